"""Routes for who operates Rapport: what comes in, putting back what was rejected, what is under way."""
