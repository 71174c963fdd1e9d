"""What people decide on pages about what needs somebody."""
