"""Single parts of a plan against the rest of it: what `plan.semantics` asks besides what it knows itself."""
