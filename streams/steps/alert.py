"""Alert: open and clear alerts as the plan's rules say and customers allow.

What opens while the clock is not live is of the past: it is kept, marked as found at load, and told to nobody; nor is
how it ends. When the clock arrives, what still holds is told once, and from then on as any other. An alert that was
told before goes on being told: whoever acts on it has to know that it is over.

While workers have different plans no alert of a rule that they decide differently opens or ends; whose would is looked
at again.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from models.cases.following import Cases
from models.segments.alerts import Alerts, forget_risk
from models.segments.held import Holding, hold_nothing
from profiles.consent import PROFILING, Consent
from profiles.types import OPEN, Profile, is_company
from streams.steps.update import announce
from streams.steps.work import Work

__all__ = ["alert"]


def alert(
    alerts: Alerts,
    consent: Consent,
    holding: Holding = hold_nothing,
    *,
    of_companies: Alerts | None = None,
    cases: Cases | None = None,
    cases_of_companies: Cases | None = None,
) -> Callable[[Work], None]:
    """The step that opens and clears alerts, those of companies by rules of their own.

    An alert outlives its score; without leave to profile it loses what the score has left on it. The case of the
    customer, or of the company, follows from the alerts that others are told of (`models.cases.following`).
    """

    def run(work: Work) -> None:
        held_rules = holding().alerts
        for profile in work.live():
            of_company = is_company(profile.id)
            if profile.alerts and not of_company and not consent.allows(profile, PROFILING):
                work.alerts.update((held.id, (profile.id, held)) for held in forget_risk(profile))
            rules = of_companies if of_companies is not None and of_company else alerts
            for transition in rules.decide(profile, work.at(profile)):
                rule, found = transition.rule.name, transition.alert
                if rule in held_rules:
                    work.held_back.add(profile.id)
                    continue
                if transition.action == "open":
                    if (before := profile.alerts.get(rule)) is not None:
                        work.drop_alert(before)
                    if work.gate:
                        found = msgspec.structs.replace(found, found="load", untold=True)
                profile.alerts[rule] = found
                announce(work, profile, rule)
            if work.arriving:
                _tell_what_holds(work, profile)
            following = cases_of_companies if of_company else cases
            if following is not None and (profile.alerts or profile.case is not None):
                for case in following.follow(profile, work.at(profile)):
                    work.tell_case(profile, case)

    return run


def _tell_what_holds(work: Work, profile: Profile) -> None:
    """Of the alerts of the past, tell those that are not over."""
    for rule, held in profile.alerts.items():
        if held.untold and held.state in OPEN:
            profile.alerts[rule] = msgspec.structs.replace(held, untold=False)
            announce(work, profile, rule)
