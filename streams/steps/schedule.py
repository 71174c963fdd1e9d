"""Schedule: silence sends no event, so every profile gets the time at which time alone may matter to it.

Who was held back because workers have different plans is looked at again when they should have the same one.

Postpone: who was touched while more events wait is looked at when those have been applied. A state is the same in
whatever order events come, but what follows from it is not: a customer may seem silent whose order still waits. So the
batch only sets their timer to when the look is due (`Work.look_at`).
"""

from __future__ import annotations

from collections.abc import Callable

from models.companies.judging import Judging
from models.conditions.compiler import compile_crossings
from models.config import ChurnConfig
from models.labels import outcomes, snapshots
from models.labels.outcomes import held
from models.segments.alerts import Alerts
from models.segments.lifecycle import Lifecycles
from models.segments.membership import Segments
from profiles.types import Profile, is_company
from streams.steps.work import Work

__all__ = ["SOON", "is_due", "postpone", "schedule"]

SOON = 1.0
"""Seconds: a timer never fires sooner than this after the last, so that a rule on the edge cannot spin."""

LATER = 3600.0
"""Seconds until a label that is due, but whose partition has seen no later event yet, is looked at again."""


_HELD = 60.0  # seconds until who was held back is looked at again


def is_due(profile: Profile, now: float) -> bool:
    """Whether a timer is about to look at the profile. Nobody else may before: that would set the timer to later."""
    return 0 < profile.scheduled_at <= now


def schedule(
    segments: Segments,
    alerts: Alerts,
    config: ChurnConfig,
    *,
    of_companies: tuple[Segments, Alerts] | None = None,
    companies: Judging | None = None,
) -> Callable[[Work], None]:
    """The last step: sets the time of each profile's timer.

    Args:
        segments, alerts: of customers.
        config: of churn.
        of_companies: their segments and alerts.
        companies: knows when their labels are final; None of a plan without any.
    """
    of_customers = compile_crossings([*segments.conditions, *alerts.conditions]), alerts
    others = of_customers
    if of_companies is not None:
        theirs, alarms = of_companies
        others = compile_crossings([*theirs.conditions, *alarms.conditions]), alarms

    further, lifecycles = config.each()[1:], Lifecycles(config)

    def due(profile: Profile, now: float) -> float:
        crossings, alerts = others if is_company(profile.id) else of_customers
        times: tuple[float | None, ...] = (
            profile.rescore_at,
            profile.snapshot_at,
            _label_due(profile, now, config),
            crossings.next_change(profile, now),
            alerts.next_change(profile, now) if profile.alerts else None,
            lifecycles.next_change(profile, now),
        )
        if profile.case is not None and profile.case.until:
            times += (profile.case.until,)
        if profile.churns:
            times += _by_definitions(profile, now)
        earliest = min(filter(None, times), default=0)
        return max(earliest, now + SOON) if earliest else 0

    def _by_definitions(profile: Profile, now: float) -> tuple[float | None, ...]:
        found: list[float | None] = []
        for definition in further:
            churn = held(profile, definition)
            found += [churn.rescore_at, churn.snapshot_at, _label_due(profile, now, definition)]
            found.append(outcomes.next_change(profile, now, definition) if churn.stage else None)
        return tuple(found)

    def _label_due(profile: Profile, now: float, config: ChurnConfig) -> float | None:
        if is_company(profile.id):
            at = companies.labels.next_due(profile) if companies is not None else None
        else:
            at = snapshots.next_due(profile, config)
        return at if at is None or at > now else now + LATER

    def run(work: Work) -> None:
        _wait(work)
        for profile in work.live():
            profile.scheduled_at = due(profile, work.at(profile))
            if profile.id in work.held_back:
                again = work.at(profile) + _HELD
                profile.scheduled_at = min(profile.scheduled_at or again, again)

    return run


def postpone() -> Callable[[Work], None]:
    """The step that sets the timers of those who were touched."""

    def run(work: Work) -> None:
        _wait(work)
        for profile in work.live():
            profile.scheduled_at = min(profile.scheduled_at or work.look_at, work.look_at)

    return run


def _wait(work: Work) -> None:
    """Let no timer be due of who is being taken apart: nobody looks at them before their share comes, and sets one."""
    for profile in work.touched.values():
        if profile.splitting is not None and not profile.splitting.done:
            profile.scheduled_at = 0
