"""Who has left, and who is about to: what the causes say beside the pattern of orders and visits."""
