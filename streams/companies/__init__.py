"""Companies in the flow of events: what of customers travels to the documents of their companies."""
