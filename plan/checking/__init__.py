"""Checking one object of an event: reading what is written otherwise, and what is wrong with the rest."""
