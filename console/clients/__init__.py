"""How a command reaches a running Rapport: its HTTP API, or Kafka and Redis themselves."""
