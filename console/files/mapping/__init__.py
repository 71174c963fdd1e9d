"""What columns of a table mean: as a mapping says it, and compiled to a function of a row."""
