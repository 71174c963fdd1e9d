"""Pages of the analyses over the history."""
