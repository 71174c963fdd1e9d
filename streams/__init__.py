"""How events flow. Read `streams/pipeline.py` first."""
