"""Postpone: who was touched while more events wait is looked at when those have been applied.

A state is the same in whatever order events come, but what follows from it is not: a customer may seem silent whose
order still waits. So the batch only sets their timer to when the look is due (`Work.look_at`).
"""

from __future__ import annotations

from collections.abc import Callable

from streams.steps.work import Work

__all__ = ["postpone"]


def postpone() -> Callable[[Work], None]:
    """The step that sets the timers of those who were touched."""

    def run(work: Work) -> None:
        for profile in work.live():
            profile.scheduled_at = min(profile.scheduled_at or work.look_at, work.look_at)

    return run
