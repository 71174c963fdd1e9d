"""Which of what was told on the topics concerns a sink, and by which of the plan's routes."""

from __future__ import annotations

from msgspec import structs

from models.cases.routes import Routes
from models.cases.worth import value_at_risk
from models.labels.treatment import held_out
from plan import Plan
from plan.sinks.sink import Sink
from profiles.cases.joining import STANDING
from profiles.consent import OUTREACH, PROFILING, is_internal
from profiles.types import Case, Profile
from streams.records.deliveries import Entry
from streams.sinks.deciding.hearing import FRESH, Heard
from streams.sinks.deciding.holding import Taken
from streams.sinks.deciding.ledger import ENTERED

__all__ = ["Routing", "may_be_member", "may_be_told"]

_SAME = 1e-3  # seconds: an alert and its case change in one commit


class Routing:
    """Decides for one sink.

    Args:
        sink: its name.
        spec: what the plan says of it.
        plan: with the routes and the rules.
    """

    def __init__(self, sink: str, spec: Sink, plan: Plan) -> None:
        self._sink = sink
        self._spec = spec
        self._plan = plan
        self._places = {id(route): place for place, route in enumerate(plan.file.routes)}
        self._rules = {rule.name: rule for rule in plan.alerts}
        self._routes = Routes(plan.file.routes, plan.alerts)

    def takes(self, heard: Heard) -> bool:
        """Whether it may concern the sink at all: of those that do, the profile is looked up."""
        if heard.type.startswith("alert."):
            return "alert.*" in self._spec.families  # also what it is not told may end what waits
        if heard.type.startswith("segment."):
            return self._spec.wants(heard.type) and (self._spec.segments is None or heard.about in self._spec.segments)
        return self._spec.wants(heard.type)

    def entries(self, heard: Heard, profile: Profile | None, now: float, *, inside: bool | None = None) -> list[Taken]:
        """What the sink takes of it.

        Args:
            heard: what was told.
            profile: whom it is about; None if nobody is known there any more.
            now: seconds since the epoch.
            inside: of a move, whether the sink takes the customer for a member; None if it was told nothing of that.
        """
        past = heard.past or now - heard.at > FRESH
        entry = Entry(heard.id, heard.type, heard.at, heard.profile, heard.about, heard.rule, told=dict(heard.told))
        if heard.type == "alert.opened":
            return self._opened(entry, profile, past, now)
        if heard.type.startswith("alert."):
            return [Taken(entry)]
        if heard.type.startswith("segment."):
            if past or (profile is not None and profile.company is not None):
                return []
            enters = heard.type == ENTERED
            if inside is enters:
                return []  # it knows
            if enters and profile is not None and profile.id != heard.profile:
                return []  # has become one with another since, who is told of by themselves
            return [Taken(entry)] if may_be_member(profile, self._plan) or (inside and not enters) else []
        return [Taken(entry, past=past)]

    def _opened(self, entry: Entry, profile: Profile | None, past: bool, now: float) -> list[Taken]:
        rule = self._rules.get(entry.rule)
        if profile is None or rule is None or not may_be_told(profile, self._plan):
            return []
        case = profile.case
        if case is not None and (case.state not in STANDING or entry.rule not in case.rules):
            case = None
        entry = _of(entry, profile, case, self._plan, rule.severity, rule.owner, now)
        looked_at = Case(
            case.id if case else "", case.kind if case else "retention", "new", entry.at, entry.at,
            {rule.name: entry.at}, owner=entry.owner,
        )  # fmt: skip
        found: list[Taken] = []
        routes = self._routes.taken_by(profile, looked_at, now)
        told = next((route for route in routes if self._sink in route.sinks), None)
        if (told is not None or rule.channel == self._sink) and (self._spec.wants(entry.type) or self._spec.digest):
            remind = told.remind or 0.0 if told is not None else 0.0
            place = self._places[id(told)] if told is not None else -1
            found.append(Taken(structs.replace(entry, remind=remind, route=place), past=past))
        later = next((route for route in routes if route.escalate and route.escalate.to == self._sink), None)
        if later is not None and later.escalate is not None and self._spec.wants("alert.escalated"):
            again = structs.replace(entry, id=f"{entry.id}:escalated", type="alert.escalated")
            found.append(Taken(again, after=later.escalate.after, past=past))
        return found


def may_be_told(profile: Profile, plan: Plan) -> bool:
    """Whether others may be told of a customer, so that somebody of ours comes to them; of companies always."""
    if profile.company is not None:
        return True
    return not is_internal(profile) and plan.consent.allows(profile, OUTREACH)


def may_be_member(profile: Profile | None, plan: Plan) -> bool:
    """Whether others may be told that a customer is in a segment: who may be told of, but for the share of customers
    that is left alone, as whoever learns of an audience does something with it."""
    return (
        profile is not None
        and profile.company is None
        and may_be_told(profile, plan)
        and not held_out(profile.id, plan.churn.hold_out)
    )


def _of(entry: Entry, profile: Profile, case: Case | None, plan: Plan, severity: str, owner: str, now: float) -> Entry:
    """The entry with what the case adds."""
    value: int | None = None
    if profile.company is not None or plan.consent.allows(profile, PROFILING):
        horizon = plan.horizon_of(profile)
        value = case.value if case is not None else value_at_risk(profile, now, horizon, plan.currency)
    again = case is not None and any(
        one.action == "reopened" and abs(one.at - entry.at) <= _SAME for one in case.history
    )
    return structs.replace(
        entry,
        type="alert.reopened" if again else entry.type,
        owner=(case.owner if case is not None else "") or owner,
        severity=severity,
        value=value,
    )
