"""Tables of pages as files."""
