"""What adds up: orders, refunds, payments, subscriptions, counted once a subject."""
