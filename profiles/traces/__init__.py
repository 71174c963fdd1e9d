"""Traces: what events leave of habits and wishes that nothing else in a profile keeps, bounded and order-free."""
