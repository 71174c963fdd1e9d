"""Pages for who operates Rapport: what comes in, the models, what is under way."""
