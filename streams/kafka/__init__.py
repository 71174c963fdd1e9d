"""Kafka: clients, topics, reading and producing by batches."""
