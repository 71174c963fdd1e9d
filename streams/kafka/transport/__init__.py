"""How records reach the worker: batches through Faust, rounds beside it."""
