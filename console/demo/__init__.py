"""The demo: simulated customers of a small shop, played through the real collector."""

from console.demo.simulate import monday_before, simulate, time_of

__all__ = ["monday_before", "simulate", "time_of"]
