"""Rebuilding Redis from Kafka or the archive."""
