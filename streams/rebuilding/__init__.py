"""What a rebuild consists of; `streams/rebuild.py` runs it."""
