"""The tracking plan as the rest of Rapport uses it: looked up, not searched."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from pydantic import SecretStr

from models.config import AlertRule, ChurnConfig, SegmentRule
from profiles.consent import Consent
from profiles.identity import BLOCKED, IdentityRule, compile_extractor
from profiles.types import Identity
from streams.plan.checker import Checker, Outcome
from streams.plan.errors import Problem
from streams.plan.model import EventSpec, PlanFile, Property, Trait
from streams.plan.rule import EventRule
from streams.plan.semantics import suggest

__all__ = ["Plan", "Source"]

_HOME = uuid.UUID("5f2b3f3e-6d0a-5c1e-9a57-0d7a3c7e4b11")  # of namespaces that derive from a plan's name


class Source(msgspec.Struct, frozen=True):
    """Where events come from."""

    name: str
    topic: str
    write_key: SecretStr
    enabled: bool
    description: str


class Plan:
    """A checked and compiled plan. Immutable after construction; safe to share between tasks and threads.

    Args:
        file: what the YAML says, already checked.
        warnings: what is allowed, but hardly meant.
    """

    def __init__(self, file: PlanFile, warnings: Sequence[Problem] = ()) -> None:
        self.file = file
        self.warnings = list(warnings)
        self.name = file.name
        self.version = file.version
        self.namespace: uuid.UUID = file.namespace or uuid.uuid5(_HOME, file.name)
        self.currency = file.currency
        self.sources: dict[str, Source] = {
            name: Source(name, spec.topic or f"events.{name}", spec.write_key, spec.enabled, spec.description)
            for name, spec in file.sources.items()
        }
        self.identities: list[IdentityRule] = sorted(file.identities, key=lambda rule: rule.priority)
        self.blocked: set[str] = set(BLOCKED) | {value.strip().lower() for value in file.blocked}
        self.traits: dict[str, Trait] = dict(file.traits)
        self.consent = Consent({name: spec.default == "granted" for name, spec in file.consent.items()})
        self.churn: ChurnConfig = file.churn
        self.segments: list[SegmentRule] = list(file.segments)
        self.alerts: list[AlertRule] = list(file.alerts)
        self.rules: list[EventRule] = [self._compile(spec) for spec in file.events]
        self._by_key = {source.write_key.get_secret_value(): source for source in self.sources.values()}
        self._rules: dict[tuple[str, str, str], EventRule] = {
            (source, rule.type, rule.name): rule for rule in self.rules for source in rule.sources
        }
        self._roles = {
            (source, rule.type if rule.name == "*" else rule.name): rule.role
            for rule in self.rules
            for source in rule.sources
        }
        self._traits = Checker("traits", file.traits, "drop_property", file.extra)
        self._extract = compile_extractor(self.identities, self.blocked)
        self._unplanned: EventRule | None = None
        if file.unplanned == "flag":
            spec = EventSpec(
                name="?", sources=list(self.sources), owner="?", description="Not planned.", why="Not planned."
            )
            self._unplanned = EventRule(spec, Checker("properties", {}, "flag"), self.currency, planned=False)

    def source_of_key(self, write_key: str) -> Source | None:
        """The source that a write key belongs to, enabled or not."""
        return self._by_key.get(write_key)

    def event(self, source: str, type: str, name: str) -> EventRule | None:
        """The rule of an event; None if it is not planned for this source.

        A rule for exactly this name comes before the type's `*`. With `unplanned: flag` there is always a rule: one
        that accepts the event with a violation.

        Args:
            source: name of the source it came from.
            type: track, identify, page, screen, group or alias.
            name: the event of a track, the name of a page or screen, else "".
        """
        rules = self._rules
        return rules.get((source, type, name)) or rules.get((source, type, "*")) or self._unplanned

    def role_of(self, source: str, name: str) -> str:
        """The role of an event of a timeline, by the source and name it is known under; "" for none."""
        return self._roles.get((source, name), "")

    def why_unplanned(self, source: str, type: str, name: str) -> str:
        """Why `event` found no rule, and what the sender may have meant."""
        label = f"{type} '{name}'" if name else type
        elsewhere = sorted({s for s, t, n in self._rules if t == type and n in (name, "*")})
        if elsewhere:
            return f"{label} is not planned for source '{source}'; it is for {', '.join(elsewhere)}"
        near = suggest(name, (n for s, t, n in self._rules if t == type and s == source)) if name else ""
        return f"{label} is not in the plan{near}"

    def check_traits(self, traits: Any) -> Outcome:
        """Check traits that ride along in `context.traits`: wrong ones are dropped, the event goes on."""
        return self._traits.enforce_on(traits)

    def extract(self, event: dict[str, Any]) -> list[Identity]:
        """The identities of a raw event, the strongest first (see `profiles.identity`)."""
        return self._extract(event)

    def _compile(self, spec: EventSpec) -> EventRule:
        enforce, extra = spec.enforce or self.file.enforce, spec.extra or self.file.extra
        properties: dict[str, Property] = dict(spec.properties)
        where = "properties"
        if spec.type in ("identify", "group"):
            where = "traits"
        if spec.type == "identify":
            properties = {**self.file.traits, **properties}
        return EventRule(spec, Checker(where, properties, enforce, extra), self.currency)
