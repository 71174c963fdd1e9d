"""What Rapport costs and how quick it is, beside what one would otherwise write. See docs/benchmarks.md."""
