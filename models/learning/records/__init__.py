"""Training records as the learner takes them in: read in batches, once each, and a sample of whose orders they are."""
