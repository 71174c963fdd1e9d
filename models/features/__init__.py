"""What models see of a customer."""
