"""Who a customer is: state, merging, identity, consent, and the stores that keep it."""
