"""Who looked at whom, and did what: the topic `audit`."""
