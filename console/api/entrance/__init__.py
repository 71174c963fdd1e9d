"""Who comes to the API, whether they may, and what is written down of it."""
