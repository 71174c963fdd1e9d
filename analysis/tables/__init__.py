"""Tables that analyses read instead of the archive's files: made of these once, a day or a month at a time."""
