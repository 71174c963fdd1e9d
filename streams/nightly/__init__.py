"""Growing the nightly model: from the learner's log and what was kept of it, back into that log."""
