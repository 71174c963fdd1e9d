"""What a customer leans to: how they come, what makes them buy, what kind of things they choose."""
