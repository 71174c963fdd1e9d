"""Routes by which tools that were written for other products read Rapport."""
