"""How a case follows from a customer's alerts: one open matter, whichever rules they come from.

A case opens with the first alert that anybody is told of, collects the rules of further ones, and is `cleared` when no
alert stands. It comes back under its id if an alert opens within the cooldown of its rule. Who is held out has none. A
customer who has left is a case of another kind: when they leave, the one to keep them ends, and if an alert still
stands, one to win them back begins. A company has a case of its own, by the rules about companies, whatever cases its
members have; one that counts for another company has none.

Whose it is the plan's routes say when it opens, and again when a rule joins or two become one; not any more once a
person has given it to somebody.

Pure: nothing here looks at a clock, and the profile is changed in one place, `Cases.follow`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import structs

from models.cases.routes import Route, Routes
from models.cases.worth import value_at_risk
from models.churn.reasons import explain
from models.conditions.rules import AlertRule
from models.labels.treatment import held_out
from profiles.cases.joining import HISTORY, STANDING, later_than, latest
from profiles.consent import PROFILING, Consent
from profiles.times import to_microsecond
from profiles.types import OPEN, Alert, Case, CaseEntry, Profile

__all__ = ["RETENTION", "WIN_BACK", "WORSE", "Cases", "case_id", "happened", "profile_of_case"]

RETENTION: Final = "retention"
WIN_BACK: Final = "win_back"

WORSE = 0.1
"""A risk that rises by so much since then wakes a case that sleeps until the customer is worse."""

_GONE = "churned"  # the stage of who has left
_REASONS = 5
_ID = 22  # characters of a profile's id


def case_id(profile: str, opened: float) -> str:
    """The id of a case; it names the profile that it began with, so that it is found without an index."""
    return f"cs_{profile}_{int(opened * 1000):x}"


def profile_of_case(id_: str) -> str:
    """The profile that a case began with; "" if this is no id of a case."""
    known = id_.startswith("cs_") and id_.rfind("_") > len("cs_")
    return id_[len("cs_") : id_.rfind("_")] if known else ""


def happened(case: Case, at: float, action: str, by: str = "", text: str = "", **changes: Any) -> Case:
    """The case after something that happened to it, changed later than before whatever a person's clock says."""
    history = latest([*case.history, CaseEntry(to_microsecond(at), action, by, text)], HISTORY)
    return structs.replace(case, history=history, changed=later_than(case, at), **changes)


class Cases:
    """The plan's alert rules as far as cases follow from them.

    Args:
        rules: about customers, or those about companies.
        currency: of the plan.
        horizon: of churn, seconds.
        hold_out: share of customers who are left alone; 0 of companies.
        consent: what customers allow.
        routes: of the plan.
    """

    def __init__(
        self,
        rules: Sequence[AlertRule],
        currency: str,
        horizon: float,
        hold_out: float,
        consent: Consent,
        routes: Sequence[Route] = (),
    ) -> None:
        self._routes = Routes(routes, rules)
        self._rules = {rule.name: rule for rule in rules}
        self._currency, self._horizon, self._hold_out, self._consent = currency, horizon, hold_out, consent

    def follow(self, profile: Profile, now: float) -> list[Case]:
        """Bring a customer's case up to their alerts as of `now`, in place; answers what others are to be told."""
        case, standing = profile.case, self._standing(profile)
        if case is None and not standing:
            return []
        now = to_microsecond(now)
        told: list[Case] = []
        kind = WIN_BACK if profile.stage == _GONE else RETENTION
        if case is not None and case.state in STANDING:
            if not standing or case.kind != kind:
                turned = "left" if kind == WIN_BACK else "came back"
                why = turned if standing else ""
                case = happened(case, now, "cleared", text=why, state="cleared", until=0.0, worse=False)
                told.append(case)
            elif (grown := self._grown(profile, case, standing, now)) is not case:
                case = grown
                told.append(case)
        if standing and (case is None or case.state not in STANDING):
            case = self._opened(profile, case, standing, kind, now)
            told.append(case)
        assert case is not None
        profile.case = self._valued(profile, case, now)
        if told and told[-1].id == profile.case.id:
            told[-1] = profile.case
        return told

    def _standing(self, profile: Profile) -> list[Alert]:
        standing = [alert for alert in profile.alerts.values() if alert.state in OPEN and not alert.untold]
        if not standing or held_out(profile.id, self._hold_out):
            return []
        return sorted(standing, key=lambda alert: (alert.opened, alert.rule))

    def _opened(self, profile: Profile, before: Case | None, standing: list[Alert], kind: str, now: float) -> Case:
        rules = {alert.rule: alert.opened for alert in standing}
        named = ", ".join(rules)
        again = before is not None and before.kind == kind and any(self._is_soon(before, rule, now) for rule in rules)
        if before is not None and again:
            fresh = structs.replace(before, rules=before.rules | rules, outcome="", given=0.0)
            return self._as_of_now(profile, happened(fresh, now, "reopened", text=named, state="new"), now)
        earliest = standing[0].opened
        since = earliest if before is None else max(earliest, before.changed)
        case = Case(case_id(profile.id, since), kind, "new", since, 0.0, rules)
        if before is not None:
            case = structs.replace(case, notes=before.notes, history=before.history, changed=before.changed)
        return self._as_of_now(profile, happened(case, now, "opened", text=named), now)

    def _is_soon(self, before: Case, rule: str, now: float) -> bool:
        known = self._rules.get(rule)
        return known is not None and now < before.changed + known.cooldown

    def _grown(self, profile: Profile, case: Case, standing: list[Alert], now: float) -> Case:
        """The case with rules that are new to it, and whose it is by them, and awake if it has slept enough."""
        joined = [alert for alert in standing if alert.rule not in case.rules]
        for alert in joined:
            case = happened(case, now, "joined", text=alert.rule, rules=case.rules | {alert.rule: alert.opened})
        if joined and not case.given:
            case = structs.replace(case, owner=self._routes.owner(profile, case, now))
        elif not case.owner and not case.given and (owner := self._routes.owner(profile, case, now)):
            case = happened(case, now, "routed", text=owner, owner=owner)
        if case.state == "snoozed" and (why := self._woken_by(profile, case, bool(joined), now)):
            case = happened(case, now, "woken", text=why, state="new", until=0.0, worse=False)
        return case

    def _woken_by(self, profile: Profile, case: Case, joined: bool, now: float) -> str:
        if case.until and now >= case.until:
            return "time"
        if not case.worse:
            return ""
        if joined:
            return "rule"
        if complaints(profile) > case.slept_complaints:
            return "complaint"
        risk = risk_of(profile)
        return "risk" if risk is not None and risk >= (case.slept_risk or 0.0) + WORSE else ""

    def _as_of_now(self, profile: Profile, case: Case, now: float) -> Case:
        """With whose it is and why it opened: in words, as they will not be any more when somebody looks."""
        case, score = structs.replace(case, owner=self._routes.owner(profile, case, now)), profile.score
        if score is None:
            return structs.replace(case, risk=None, model="", as_of=0.0, reasons=[])
        told = [each.text for each in explain(profile) if each.effect == "raises"]
        return structs.replace(case, risk=score.risk, model=score.model, as_of=score.at, reasons=told[:_REASONS])

    def _valued(self, profile: Profile, case: Case, now: float) -> Case:
        """With what is at risk now; without all of a score that may not be."""
        if case.state in STANDING:
            value = value_at_risk(profile, now, self._horizon, self._currency)
            case = structs.replace(case, value=value, valued_at=now)
        if (case.model or case.value is not None) and not self._consent.allows(profile, PROFILING):
            case = structs.replace(
                case, risk=None, model="", as_of=0.0, reasons=[], value=None, valued_at=0.0, slept_risk=None
            )
        return case


def complaints(profile: Profile) -> int:
    """How often a customer has complained."""
    tally = profile.roles.get("complaint")
    return tally.count if tally is not None else 0


def risk_of(profile: Profile) -> float | None:
    """The customer's risk; None without a score."""
    return profile.score.risk if profile.score is not None else None
