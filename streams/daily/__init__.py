"""Counters of the latest days: the step that keeps what customers add to them, and what the counters say."""
