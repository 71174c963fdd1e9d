"""Analyses over the history, as API, pages and files show them: all of it follows from their declarations."""
