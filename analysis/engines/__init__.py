"""Where analyses are computed: DuckDB, or what a URL names."""
