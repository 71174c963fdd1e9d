"""What a plan says for analyses beyond their calendar: defaults of some, goals, and the catalogue of products."""
