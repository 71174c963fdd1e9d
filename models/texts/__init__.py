"""What customers write: in which language, about what, and whether they are satisfied, learned from their ratings."""
