"""Tickets, contacts and what customers say: one analysis a file."""
