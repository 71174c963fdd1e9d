"""The models of the churn risk, and why a risk is what it is."""
