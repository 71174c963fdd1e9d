"""Audiences as a table: the members of segments as Parquet files by version, with what changed since the one before."""
