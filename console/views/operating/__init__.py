"""What operators read: what comes in, and what is under way."""
