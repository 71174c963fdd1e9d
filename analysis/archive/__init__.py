"""The event archive: its columns, its files, and how they are read."""
