"""The tracking plan as people and tools read it: what is collected and why, and which rules look at it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import Field

from console.views.document import Document
from models.conditions.rules import AlertRule, SegmentRule
from models.conditions.words import duration_in_words
from models.segments.purposes import alert_needs, segment_needs
from plan import Plan
from plan.docs import label_of_event, properties_of, type_in_words
from plan.fingerprint import fingerprint
from plan.rule import EventRule

__all__ = ["PlanView", "plan_view"]


class PropertyView(Document):
    """One value that an event or a customer carries."""

    path: str = Field(examples=["products[].price"])
    type: str = Field(description="With its limits, in words.")
    required: bool
    description: str
    pii: str = Field(description="Class of personal data; none if it is not personal.")


class TraitView(PropertyView):
    """What is known about a customer."""

    why: str
    owner: str
    public: bool
    used_in: list[str] = Field(description="Segments and alerts that look at it.")


class EventRuleView(Document):
    """One planned event."""

    name: str
    type: str
    role: str | None = Field(description="What it means to profiles, models and analyses.")
    sources: list[str]
    owner: str
    description: str
    why: str
    enforce: str = Field(description="What a violation does: reject, flag or drop_property.")
    properties: list[PropertyView]
    public: bool
    used_in: list[str] = Field(description="Segments and alerts that look at its role.")


class SourceView(Document):
    """Where events come from."""

    name: str
    description: str
    enabled: bool
    public: bool = Field(description="Anybody can read its key, in a page or an app.")
    events: int


class IdentityRuleView(Document):
    """What tells customers apart; the strongest first."""

    type: str
    description: str
    priority: int
    held: str = Field(description="plain, or hashed: it can be recognised when it comes again, and not be read.")
    pii: str


class PurposeView(Document):
    """What customers may allow or deny."""

    name: str
    description: str
    default: str
    basis: str = Field(description="The legal basis, in words.")
    owner: str
    public: bool


class RuleView(Document):
    """A segment or an alert."""

    name: str
    description: str
    grain: str = Field(description="customer or company.")
    words: str = Field(description="The rule in words.")
    needs: list[str] = Field(description="Purposes that a customer must allow.")
    builtin: bool = Field(False, description="Every plan has it.")
    severity: str | None = None
    owner: str | None = None
    used_in: list[str] = Field([], description="Segments and alerts that look at it.")


class RouteView(Document):
    """To whom some cases go."""

    words: str = Field(description="Which.")
    owner: str = Field(description="A team or a person, and where it is told.")


class PlanView(Document):
    """What is collected, why, and what is made of it."""

    name: str
    version: int
    fingerprint: str
    description: str
    currency: str
    churn: str = Field(description="When a customer counts as lost, in words.")
    sources: list[SourceView]
    identities: list[IdentityRuleView]
    purposes: list[PurposeView]
    events: list[EventRuleView]
    traits: list[TraitView]
    segments: list[RuleView]
    alerts: list[RuleView]
    routes: list[RouteView] = Field(description="To whom a case goes; the first that matches counts.")

    def narrowed(self, text: str) -> PlanView:
        """Only what has all words of a text in its name, description, reason, owner or role."""
        words = text.lower().split()

        def kept(rows: list[Any]) -> list[Any]:
            return [row for row in rows if all(word in _text(row) for word in words)]

        return self.model_copy(
            update={
                part: kept(getattr(self, part))
                for part in ("events", "traits", "segments", "alerts", "routes", "purposes")
            }
        )

    def published(self) -> PlanView:
        """What the plan marks as public: for the people whom it is about."""
        shown = {part: [row for row in getattr(self, part) if row.public] for part in ("events", "traits", "purposes")}
        return self.model_copy(
            update={**shown, "segments": [], "alerts": [], "routes": [], "sources": [], "identities": []}
        )


def plan_view(plan: Plan) -> PlanView:
    """The whole plan as a document."""
    used = _Uses([*plan.segments, *plan.alerts])
    needs = segment_needs(plan.segments)
    own = {rule.name for rule in plan.file.segments}
    return PlanView(
        name=plan.name,
        version=plan.version,
        fingerprint=fingerprint(plan),
        description=plan.file.description,
        currency=plan.currency,
        churn=f"No {plan.churn.role} for {duration_in_words(plan.churn.horizon)}",
        sources=[
            SourceView.of(source, events=sum(source.name in rule.sources for rule in plan.rules))
            for source in plan.sources.values()
        ],
        identities=[
            IdentityRuleView.of(rule, held="hashed" if rule.hashed else "plain") for rule in plan.identities
        ],
        purposes=[PurposeView.of(spec, name=name) for name, spec in plan.file.consent.items()],
        events=[_event(rule, used) for rule in plan.rules],
        traits=[
            TraitView.of(trait, path=name, type=type_in_words(trait), used_in=used.of(name))
            for name, trait in plan.traits.items()
        ],
        segments=[
            _rule(rule, () if rule.grain == "company" else needs[rule.name], used,
                  words=rule.when.in_words(), builtin=rule.name not in own)
            for rule in plan.segments
        ],
        alerts=[
            _rule(rule, () if rule.grain == "company" else alert_needs(rule, needs), used,
                  words=rule.in_words(), severity=rule.severity, owner=rule.owner or None)
            for rule in plan.alerts
        ],
        routes=[RouteView(words=route.when.in_words(), owner=route.goes_to()) for route in plan.file.routes],
    )  # fmt: skip


def _event(rule: EventRule, used: _Uses) -> EventRuleView:
    return EventRuleView.of(
        rule.spec,
        name=label_of_event(rule),
        role=rule.role or None,
        sources=list(rule.sources),
        enforce=rule.enforce,
        properties=[
            PropertyView.of(prop, path=path, type=type_in_words(prop))
            for path, prop in properties_of(rule.spec.properties)
        ],
        used_in=used.of(rule.role or "", rule.name),
    )


def _rule(rule: SegmentRule | AlertRule, needs: Iterable[str], used: _Uses, **more: Any) -> RuleView:
    return RuleView.of(rule, needs=list(needs), used_in=used.of(rule.name), **more)


class _Uses:
    """Which rules name what in their conditions."""

    def __init__(self, rules: Iterable[SegmentRule | AlertRule]) -> None:
        self._rules: dict[str, list[str]] = {}
        for rule in rules:
            for word in dict.fromkeys(_words(rule.model_dump(include={"when", "segment"}))):
                if word != rule.name:
                    self._rules.setdefault(word, []).append(rule.name)

    def of(self, *names: str) -> list[str]:
        """The rules that name any of these."""
        return list(dict.fromkeys(rule for name in names for rule in self._rules.get(name, ())))


def _words(value: Any) -> Iterator[str]:
    """Every text in a rule, but for the keys of its own fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _words(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _words(inner)


def _text(row: Document) -> str:
    """What a row is found by; `silent_subscriber` also as two words."""
    fields = ("name", "path", "description", "why", "owner", "role", "words", "basis")
    said = " ".join(str(getattr(row, field, None) or "") for field in fields).lower()
    return f"{said} {said.replace('_', ' ')}"
