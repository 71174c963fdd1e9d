"""Telling other tools of alerts and audiences: who is told what and when, kept in Kafka before it is tried."""
