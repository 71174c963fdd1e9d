"""Counters of the latest days: what each customer adds to them, noted with the profile and summed by the store."""
