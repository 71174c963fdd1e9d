"""What the console reads of the profiles in Redis, and how lists are paged."""
