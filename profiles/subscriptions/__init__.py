"""Subscriptions: until when they are paid, what they bring, and whether that has grown."""
