"""Cases: what people have to do with a customer, as it follows from alerts and from what they decide."""
