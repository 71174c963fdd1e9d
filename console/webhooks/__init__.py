"""What other services send us about customers by themselves: signed requests that become events."""
