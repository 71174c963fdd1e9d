"""Alert: open and clear alerts as the plan's rules say."""

from __future__ import annotations

from collections.abc import Callable

from models.alerts import Alerts
from streams.steps.update import announce
from streams.steps.work import Work

__all__ = ["alert"]


def alert(alerts: Alerts) -> Callable[[Work], None]:
    """The step."""

    def run(work: Work) -> None:
        for profile in work.live():
            for transition in alerts.decide(profile, work.at(profile)):
                profile.alerts[transition.rule.name] = transition.alert
                announce(work, profile, transition.rule.name)

    return run
