"""The archiver: `profile.events` into Parquet files."""
