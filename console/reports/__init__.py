"""What `rapport backtest` hands over: a document for tools, and a page with plots for people."""
