"""What of the data is to be trusted: one analysis a file."""
