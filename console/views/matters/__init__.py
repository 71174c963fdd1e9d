"""Alerts and cases as people and tools read them."""
