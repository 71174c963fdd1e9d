"""Relations that analyses share, made of `facts`: orders, refunds, tickets, answers, sessions."""
