"""Companies: what is measured of their members, and by rules of ours how healthy and how much at risk they are."""
