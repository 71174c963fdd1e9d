"""Language models read the live profile: an MCP server whose tools are requests of the support API."""
