"""Time as people tell it: hours, days and months by the clocks of one zone."""
