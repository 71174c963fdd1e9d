"""Finding customers by what people remember of them: terms of the search index, and queries of it."""
