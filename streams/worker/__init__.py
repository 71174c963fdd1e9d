"""The worker: from source topics to profiles, links and models, and what watches over it."""
