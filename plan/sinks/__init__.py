"""Where alerts and audiences are told to other tools: what a plan says of each sink. Secrets are never in a plan."""
