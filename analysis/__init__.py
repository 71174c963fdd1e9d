"""What the history says: the event archive, for any tool that reads Parquet. Knows pyarrow and DuckDB, no Kafka."""
