"""Learning online: what is learned, which model is the champion, and what watches over both."""
