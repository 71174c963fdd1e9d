"""Who a customer is: which identities an event carries, how they are spelt, and which may become one."""
