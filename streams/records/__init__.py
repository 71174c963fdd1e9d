"""What each topic carries."""
