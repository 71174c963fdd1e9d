"""What people touch: the command line, the support API, files, reports."""
