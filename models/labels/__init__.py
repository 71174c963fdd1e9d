"""The truth that models learn from, once it is known."""
