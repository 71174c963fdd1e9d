"""Cases of customers as they are kept: when two become one, and how a list of them is read."""
