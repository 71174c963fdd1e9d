"""Customers where support agents work: frames of other tools, Intercom's inbox, Zendesk's sidebar."""
