"""The demo: simulated customers of a small shop, played through the real collector."""

from console.demo.command import register
from console.demo.simulate import monday_before, simulate, time_of

__all__ = ["monday_before", "register", "simulate", "time_of"]
