"""What customers bring: one analysis a file."""
