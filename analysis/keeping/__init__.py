"""Who stays and who leaves: one analysis a file."""
