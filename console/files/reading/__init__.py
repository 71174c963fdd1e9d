"""Files as people have them, as text, rows of cells and JSON values: each accounted for, none read in doubt."""
