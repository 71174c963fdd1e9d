"""Ready mappings of webhooks, one file a service."""
