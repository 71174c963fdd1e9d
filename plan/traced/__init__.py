"""What events leave in profiles besides their neutral facts, and where that is found in them."""
