"""Watching what comes in, for whoever instruments a sender: events as they were sent, and what became of each."""
