"""Is there anything outsiders can send that breaks it? A package, so that its Rapport ends with its last test."""
