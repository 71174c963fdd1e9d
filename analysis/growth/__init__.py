"""How many customers there are, and what they do: one analysis a file."""
