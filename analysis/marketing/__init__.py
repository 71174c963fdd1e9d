"""From the first visit to the order: one analysis a file."""
