"""How much of what is unbounded a profile keeps: by the settings, and by what the plan counts."""

from __future__ import annotations

from plan import Plan
from profiles.state import Limits
from streams.settings import Settings

__all__ = ["limits_of"]


def limits_of(settings: Settings, plan: Plan) -> Limits:
    """The bounds for whoever takes events into profiles; the same everywhere, or a rebuilt profile would differ."""
    return Limits(timeline=settings.timeline, seen=settings.seen, windows=plan.windows)
