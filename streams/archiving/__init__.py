"""What the archiver consists of; `streams/archive.py` runs it."""
