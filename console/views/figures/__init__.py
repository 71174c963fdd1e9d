"""What one customer comes to, as people and tools read it."""
