"""Routes of the analyses over the history."""
