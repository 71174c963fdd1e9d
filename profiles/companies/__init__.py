"""Companies: what customers' events come to for the company that they belong to, and the company's own document."""
