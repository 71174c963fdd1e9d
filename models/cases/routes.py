"""To whom a case goes, and where its alerts are told: the plan's routes, the first that matches first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, model_validator

from models.cases.hours import Quiet
from models.conditions.rules import AlertRule, Grain, Name
from models.conditions.spec import Spec
from models.conditions.words import ENGLISH, Say
from models.durations import Duration
from profiles.claims import believed_trait
from profiles.companies.affiliation import companies_at
from profiles.types import Case, Profile, is_company

__all__ = ["ROUTES", "Escalation", "Route", "Routes", "Severity", "When", "severest"]

ROUTES = 200
"""Most routes of a plan."""

Severity = Literal["info", "warning", "critical"]

_SEVEREST: Mapping[Severity, int] = {"critical": 0, "warning": 1, "info": 2}


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


Names = Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]
Values = Annotated[tuple[str | int | float | bool, ...], BeforeValidator(_as_list), Field(min_length=1)]


class When(Spec):
    """Which cases a route is for: all that it says must be so, of a list one of it. It says nothing of what is None."""

    grain: Grain | None = None  # cases of customers, or of companies
    rule: Names | None = None  # an alert that belongs to the case
    severity: Annotated[tuple[Severity, ...], BeforeValidator(_as_list), Field(min_length=1)] | None = None
    kind: Literal["retention", "win_back"] | None = None
    segment: Names | None = None
    company: Names | None = None  # as events name it: members of it, and the company itself
    traits: dict[str, Values] = Field(default={})

    @property
    def is_all(self) -> bool:
        """Whether it takes every case."""
        return not self.model_dump(exclude_defaults=True)

    def in_words(self, say: Say = ENGLISH) -> str:
        """Who these are."""
        return say.all_of(self._words(say)) or say("any case")

    def _words(self, say: Say) -> Iterator[str]:
        if self.grain is not None:
            yield say("of a company" if self.grain == "company" else "of a customer")
        if self.kind is not None:
            yield say("has left" if self.kind == "win_back" else "has not left")
        if self.severity is not None:
            yield say("severity %(name)s", name=say.names(self.severity))
        if self.rule is not None:
            yield say("alert %(name)s", name=say.names(self.rule))
        if self.segment is not None:
            yield say("in segment %(name)s", name=say.names(self.segment))
        if self.company is not None:
            yield say("of company %(name)s", name=say.any_of(self.company))
        for trait, values in self.traits.items():
            yield say("%(what)s is %(value)s", what=say.name(trait), value=say.either(values))


class Escalation(Spec):
    """Where an alert goes besides that nobody has taken up in time."""

    after: Duration
    to: Name  # a sink


class Route(Spec):
    """Cases of this kind go to a team, or to a person by the name of their account; their alerts are told to sinks."""

    when: When = When()
    owner: str = Field(default="", max_length=100)
    sinks: tuple[Name, ...] = ()
    escalate: Escalation | None = None
    remind: Duration | None = None  # told again each so often, until somebody takes it up
    quiet: Quiet | None = None
    daily_cap: int | None = Field(default=None, ge=1, le=100_000)  # alerts a day and sink; those of the highest value
    goes_on: bool = Field(default=False, alias="continue")  # the routes behind it are looked at, too

    @model_validator(mode="before")
    @classmethod
    def _owned(cls, data: Any) -> Any:
        if isinstance(data, dict) and not (data.get("sinks") or data.get("escalate")):
            if "owner" not in data:
                raise ValueError("leads nowhere: name an `owner`, or `sinks`")
            if data["owner"] == "":
                raise ValueError("leads nowhere: `owner` is empty, and it names no `sinks`")
        return data

    @model_validator(mode="after")
    def _told(self) -> Route:
        if not self.sinks and (self.remind or self.quiet or self.daily_cap):
            raise ValueError("says how it is told, and names no `sinks`")
        return self

    def in_words(self) -> str:
        """Which cases go to whom, and where they are told."""
        return f"{self.when.in_words()} → {self.goes_to()}"

    def goes_to(self, say: Say = ENGLISH) -> str:
        """To whom, and where it is told."""
        words = [self.owner] if self.owner else []
        if self.sinks:
            words.append(say("told to %(name)s", name=say(", ").join(self.sinks)))
        if self.remind:
            words.append(say("again every %(span)s", span=say.duration(self.remind)))
        if self.escalate:
            after = say.duration(self.escalate.after)
            words.append(say("after %(span)s to %(name)s", span=after, name=self.escalate.to))
        if self.quiet:
            words.append(self.quiet.in_words(say))
        if self.daily_cap:
            words.append(say("at most %(n)s a day", n=str(self.daily_cap)))
        if self.goes_on:
            words.append(say("and on to the next"))
        return say("; ").join(words)


class _Facts(NamedTuple):
    """What routes look at."""

    profile: Profile
    case: Case
    severity: str | None
    now: float


class Routes:
    """The plan's routes and the rules whose alerts cases are made of.

    Args:
        routes: in the order of the plan; the first that matches names the owner.
        rules: whose alerts these are; where no route matches, the owner is that of the severest rule that names one.
    """

    def __init__(self, routes: Sequence[Route], rules: Sequence[AlertRule]) -> None:
        self._routes = tuple(routes)
        self._rules = {rule.name: rule for rule in rules}

    def owner(self, profile: Profile, case: Case, now: float) -> str:
        """To whom a case of this customer or company goes at `now`; "" if the plan names nobody."""
        facts = _Facts(profile, case, severest(case.rules, self._rules), now)
        found = next((route.owner for route in self._routes if route.owner and _matches(route.when, facts)), None)
        return self._owner_of_rules(case) if found is None else found

    def taken_by(self, profile: Profile, case: Case, now: float) -> list[Route]:
        """The routes that a case of this customer takes: the first that matches, and the next as far as those before
        it say `continue`."""
        facts = _Facts(profile, case, severest(case.rules, self._rules), now)
        found: list[Route] = []
        for route in self._routes:
            if _matches(route.when, facts):
                found.append(route)
                if not route.goes_on:
                    break
        return found

    def _owner_of_rules(self, case: Case) -> str:
        """Of rules alike in severity, that of the one that was there first."""
        owned = [
            (_SEVEREST[rule.severity], since, name, rule.owner)
            for name, since in case.rules.items()
            if (rule := self._rules.get(name)) is not None and rule.owner
        ]
        return min(owned)[-1] if owned else ""


def severest(names: Mapping[str, float] | Sequence[str], rules: Mapping[str, AlertRule]) -> Severity | None:
    """The severity of a case with these rules; None if the plan knows none of them any more."""
    known = [rules[name].severity for name in names if name in rules]
    return min(known, key=_SEVEREST.__getitem__, default=None)


def _matches(when: When, facts: _Facts) -> bool:
    return (
        (when.grain is None or (when.grain == "company") == is_company(facts.profile.id))
        and (when.severity is None or facts.severity in when.severity)
        and (when.kind is None or facts.case.kind == when.kind)
        and (when.rule is None or any(name in facts.case.rules for name in when.rule))
        and (when.segment is None or any(name in facts.profile.segments for name in when.segment))
        and (when.company is None or not _companies(facts).isdisjoint(when.company))
        and all(_is_one_of(facts.profile, trait, values) for trait, values in when.traits.items())
    )


def _companies(facts: _Facts) -> Set[str]:
    """The companies that a customer belongs to; of a company itself."""
    company = facts.profile.company
    return companies_at(facts.profile, facts.now) if company is None else {company.key}


def _is_one_of(profile: Profile, trait: str, values: Sequence[Any]) -> bool:
    held = believed_trait(profile, trait)
    if held is None:
        return False
    is_bool = isinstance(held[0], bool)  # which equals a number
    return any(held[0] == value and isinstance(value, bool) == is_bool for value in values)
