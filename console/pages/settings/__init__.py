"""Settings: one's own account, and for admins people, tokens and the audit log."""
