"""HTTP as the roles serve it: collector, support API, or both on one port."""
