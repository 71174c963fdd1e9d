"""What needs somebody: alerts and cases, and people's decisions on them."""
