"""Simulated businesses of which the truth is known: who leaves, when and why, and what an outsider could know of it."""
