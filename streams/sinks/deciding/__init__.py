"""What a sink is told and when: pure, with the time as an argument. Begin with `ledger.py`, then `holding.py`."""
