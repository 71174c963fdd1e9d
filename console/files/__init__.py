"""Files of events: reading, mapping and sending them."""
