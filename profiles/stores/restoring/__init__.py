"""Redis as a whole: what it should hold, and writing that anew."""
