"""Alert: open and clear alerts as the plan's rules say and customers allow."""

from __future__ import annotations

from collections.abc import Callable

from models.segments.alerts import Alerts, forget_risk
from profiles.consent import PROFILING, Consent
from streams.steps.update import announce
from streams.steps.work import Work

__all__ = ["alert"]


def alert(alerts: Alerts, consent: Consent) -> Callable[[Work], None]:
    """The step that opens and clears alerts.

    An alert outlives its score; without leave to profile it loses what the score has left on it.
    """

    def run(work: Work) -> None:
        for profile in work.live():
            if profile.alerts and not consent.allows(profile, PROFILING):
                work.alerts.update((held.id, (profile.id, held)) for held in forget_risk(profile))
            for transition in alerts.decide(profile, work.at(profile)):
                rule = transition.rule.name
                if transition.action == "open" and (before := profile.alerts.get(rule)) is not None:
                    work.drop_alert(before)
                profile.alerts[rule] = transition.alert
                announce(work, profile, rule)

    return run
