"""What is bought, and with what: one analysis a file."""
