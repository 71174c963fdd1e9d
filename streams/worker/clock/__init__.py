"""The clock of all customers, as a worker moves it, follows it and fires timers by it."""
