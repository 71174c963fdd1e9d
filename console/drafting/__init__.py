"""New tracking plans: one of the shipped ones under another name, or a draft by a file of events."""
