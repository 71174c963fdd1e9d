"""Pages that are alive: states made once for all who look at the same, and the streams that carry them."""
