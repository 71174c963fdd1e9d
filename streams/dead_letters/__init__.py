"""Events that were not accepted: looking at them, and putting them back."""
