"""What becomes of a source, or a sender, of which too much would be rejected."""
