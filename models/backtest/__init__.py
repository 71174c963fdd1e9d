"""How good the scores would have been on a log of the past."""
