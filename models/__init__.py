"""What we predict, and what it is learned from."""
