"""Wake: silence sends no event, so every profile gets the time at which time alone may matter to it."""

from __future__ import annotations

from collections.abc import Callable

from models.alerts import Alerts
from models.segments import Segments

from models import labels, lifecycle
from models.config import ChurnConfig
from profiles.types import Profile
from streams.steps.work import Work

__all__ = ["SOON", "wake"]

SOON = 1.0
"""Seconds: a timer never fires sooner than this after the last, so that a rule on the edge cannot spin."""


def wake(segments: Segments, alerts: Alerts, config: ChurnConfig) -> Callable[[Work], None]:
    """The last step: silence sends no event, so every profile gets the time at which it may matter."""

    def due(profile: Profile, now: float) -> float:
        times = (
            profile.rescore_at,
            profile.snapshot_at,
            labels.next_due(profile, config),
            segments.next_change(profile, now),
            alerts.next_change(profile, now),
            lifecycle.next_change(profile, now, config),
        )
        earliest = min((time for time in times if time), default=0.0)
        return max(earliest, now + SOON) if earliest else 0.0

    def run(work: Work) -> None:
        for profile in work.live():
            profile.wake_at = due(profile, work.now)

    return run
