"""The tracking plan as the rest of Rapport uses it: looked up, not searched."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time
from functools import cached_property, lru_cache, partial
from typing import Any, get_args

import msgspec
from pydantic import SecretStr

from models.companies.health import WEIGHTS
from models.companies.judging import Judging
from models.conditions.rules import AlertRule, SegmentRule
from models.conditions.tree import narrowed_in, windows
from models.conditions.vocabulary import suggest
from models.conditions.where import Part, meets, narrowing
from models.config import ChurnConfig
from models.features.kinds import part_of
from models.labels.outcomes import signs_of
from models.segments.builtin import with_builtin, with_internal
from models.segments.preview import placed
from models.segments.purposes import segment_needs
from plan.analysing.catalogue import Product
from plan.checking.checker import Checker, Outcome, identifying
from plan.checking.showing import Shown, described
from plan.companies import GroupOf, Unname, group_of, named_in, unname
from plan.errors import Problem
from plan.model import ROLES, BreakerSpec, EventSpec, EventType, PlanFile, Property, Trait
from plan.rule import EventRule
from plan.semantics import Parts, find_rule_problems
from plan.source_map import format_path
from plan.traced.tracing import tracing
from plan.trust import BUSINESS, PERSONAL, Trust
from profiles.calendar.local_time import LocalTime
from profiles.companies.team import Champions
from profiles.consent import PROFILING, PURPOSES, Consent
from profiles.daily.contribution import Contribution
from profiles.identity.extract import Extractor, IdentityRule, InexactNumber, compile_extractor, compile_spellings
from profiles.identity.ignored import Ignored
from profiles.identity.placeholders import Placeholders
from profiles.identity.secrets import derived_key, is_hash
from profiles.money import Rates
from profiles.search.terms import Searchable
from profiles.state import Limits
from profiles.types import Identity, Profile, cell_id, company_id, is_company, profile_id

__all__ = ["HASHED", "Plan", "Source"]

HASHED = "hashed:"
"""Stands before a value that is a hash already, as documents show it: `email:hashed:x1k…`."""

_REMEMBERED = 200_000  # homes that are not hashed again

_ALONG = "context.traits."  # where an SDK sends along what it remembers
_TELLING = ("boolean", "string")  # types of traits of which a few values may be shared by many

_HOME = uuid.UUID("5f2b3f3e-6d0a-5c1e-9a57-0d7a3c7e4b11")  # of namespaces that derive from a plan's name


class Source(msgspec.Struct, frozen=True):
    """Where events come from."""

    name: str
    topic: str
    write_key: SecretStr
    enabled: bool
    description: str
    public: bool


class Plan:
    """A checked and compiled plan. Immutable after construction; safe to share between tasks and threads.

    Args:
        file: what the YAML says, already checked.
        warnings: what is allowed, but hardly meant.
        pii_key: of hashed identities and suppression entries; derived from the namespace if absent.
        user_id_key: of signed user ids; without it none can be verified.
    """

    products: tuple[Product, ...] = ()
    """Of the catalogue that the plan names; a plan that is read from a text has none."""

    def __init__(
        self,
        file: PlanFile,
        warnings: Sequence[Problem] = (),
        pii_key: bytes | None = None,
        user_id_key: bytes | None = None,
    ) -> None:
        self.file = file
        self.warnings = list(warnings)
        self.name = file.name
        self.version = file.version
        self.namespace: uuid.UUID = file.namespace or uuid.uuid5(_HOME, file.name)
        # The profile that an identity is by itself.
        self.home: Callable[[Identity], str] = lru_cache(maxsize=_REMEMBERED)(partial(profile_id, self.namespace))
        self.pii_key: bytes = pii_key or derived_key(self.namespace)
        self.currency = file.currency
        # Seconds: nothing happened before.
        self.earliest = datetime.combine(file.earliest, time.min, UTC).timestamp()
        # Rejected events of one sender of a public source that are kept whole in an hour.
        self.kept = (file.breaker if file.breaker != "off" else BreakerSpec()).kept
        self.sources: dict[str, Source] = {
            name: Source(
                name, spec.topic or f"events.{name}", spec.write_key, spec.enabled, spec.description, bool(spec.public)
            )
            for name, spec in file.sources.items()
        }
        self.identities: list[IdentityRule] = sorted(file.identities, key=lambda rule: rule.priority)
        self.most_identities = file.most_identities
        self.ignored = Ignored(
            **file.ignore.model_dump(),
            mail_fields=dict.fromkeys(
                [
                    "userId",
                    *(path for rule in self.identities if rule.pii == "email" for path in rule.fields),
                    *(f"{place}.{name}" for place in ("traits", "context.traits") for name in _addresses(file.traits)),
                ]
            ),
            browsers=[name for name, spec in file.sources.items() if spec.public is not False],
        )
        self.traits: dict[str, Trait] = dict(file.traits)
        self.consent = Consent({name: spec.default == "granted" for name, spec in file.consent.items()})
        self.segments: list[SegmentRule] = with_builtin(file.segments) if file.builtin_segments else list(file.segments)
        if self.ignored.knows_people:
            self.segments = with_internal(self.segments)
        self.churn: ChurnConfig = self._with_groups(file.churn)
        self.alerts: list[AlertRule] = list(file.alerts)
        conditions = [
            *(rule.when for rule in self.segments),
            *(rule.exit for rule in self.segments if rule.exit is not None),
            *(rule.when for rule in self.alerts if rule.when is not None),
        ]
        self.windows: dict[str, int] = windows(conditions)
        # What of each role's events conditions and features look at, and the names under which profiles count that.
        kinds = _kinds(file.events)
        self.narrowed = meets(narrowed_in(conditions), kinds)
        self.parts = frozenset(narrowing(role, where) for role, where in narrowed_in(conditions)) | {
            part.key for part in kinds
        }
        self.rates: Rates | None = None
        if file.rates:
            table = {datetime.combine(spec.since, time.min, UTC).timestamp(): spec.rates for spec in file.rates}
            self.rates = Rates(file.currency, table)
        # Of the roles that add up, which report of a subject counts, where it is not the last.
        self.on_repeat: dict[str, str] = {
            spec.role: spec.on_repeat for spec in file.events if spec.role and spec.on_repeat not in (None, "last")
        }
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
        self._traits = Checker("traits", file.traits, "drop_property", file.extra, file.currency)
        self._spellings = compile_spellings(
            self.identities, file.blocked, file.unblocked, key=self.pii_key, region=file.region
        )
        # The identities of a raw event, the strongest first, as they are held.
        self.extract: Extractor = compile_extractor(
            self.identities, self._spellings, identifying(self.identities, file.traits)
        )
        self.trust = Trust(file.sources, self.identities, self._spellings, file.verify_user_ids, user_id_key)
        # What the plan calls companies, and the company of an event; "" and None where it has none.
        self.group = next(iter(file.groups), "")
        self.group_of: GroupOf | None = None
        if self.group:
            self.group_of = group_of(file.groups[self.group], Placeholders(file.blocked, file.unblocked))
        # Roles that an event of a public source has only as a claim. Where some user ids are signed and others not, a
        # timeline does not say which.
        self._only_claimed = BUSINESS if file.verify_user_ids == "required" else BUSINESS | PERSONAL
        # The bounds of what a profile keeps, as far as the plan says them.
        self.limits = Limits(
            windows=self.windows, on_repeat=self.on_repeat, rates=self.rates, persons=self.trust.persons,
            narrowed=self.narrowed, parts=self.parts, signs=signs_of(self.churn.definitions),
            searchable=self.searchable, days=LocalTime(file.timezone),
            tracing=tracing(file.timezone, self.event, file.analyses.costs.contact),
        )  # fmt: skip
        self._hashed = {rule.type for rule in self.identities if rule.hashed}
        self._unplanned: EventRule | None = None
        if file.unplanned == "flag":
            spec = EventSpec(
                name="?", sources=list(self.sources), owner="?", description="Not planned.", why="Not planned."
            )
            self._unplanned = EventRule(spec, Checker("properties", {}, "flag"), self.currency, planned=False)

    @cached_property
    def searchable(self) -> Searchable:
        """What customers are found by: traits by their class, and the plain identities of persons."""
        emails, phones = (
            tuple(name for name, trait in self.traits.items() if trait.pii == pii and trait.type == "string")
            for pii in ("email", "phone")
        )
        plain = [rule.type for rule in self.identities if rule.names_a_person and not rule.hashed]
        named = self.file.groups[self.group].traits.get("name") if self.group else None
        nobodys = named is not None and named.pii == "none" and named.type == "string"
        return Searchable(emails, phones, tuple(plain), ("name",) if nobodys else ())

    @cached_property
    def contribution(self) -> Contribution:
        """What customers add to the counters of the latest days."""
        return Contribution(self.limits.days or LocalTime(), self.consent)

    @cached_property
    def teams(self) -> list[str]:
        """To whom cases go: owners of routes, and of alerts."""
        of_routes = {route.owner for route in self.file.routes if route.owner}
        of_rules = {rule.owner for rule in self.alerts if rule.owner}
        return sorted(of_routes | of_rules, key=str.casefold)

    @cached_property
    def keeps_last(self) -> frozenset[str]:
        """Types of which an identity goes to whom it has gone last."""
        return frozenset(rule.type for rule in self.identities if rule.keep == "last")

    @cached_property
    def weighs_remembered(self) -> frozenset[str]:
        """Types of events of which it matters what they only carry along, since it claims nothing."""
        along = {rule.keep for rule in self.identities if any(path.startswith(_ALONG) for path in rule.fields)}
        if "first" in along:
            return frozenset(get_args(EventType))
        return frozenset({"identify"} if "last" in along else ())

    def _with_groups(self, churn: ChurnConfig) -> ChurnConfig:
        """Unless it names groups: traits that are not personal, and segments that hang on no risk."""
        if churn.groups is not None:
            return churn
        traits = [name for name, trait in self.traits.items() if trait.pii == "none" and trait.type in _TELLING]
        segments = [name for name, needs in segment_needs(self.segments).items() if PROFILING not in needs]
        groups = (*(f"trait:{name}" for name in traits), *(f"segment:{name}" for name in segments))
        return churn.model_copy(update={"groups": groups})

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

    def problems_of(self, rule: SegmentRule, others: Sequence[SegmentRule]) -> list[str]:
        """What is wrong with a segment that is not in the plan yet, among these others."""
        rules = placed(rule, others)
        at = next(index for index, other in enumerate(rules) if other is rule)
        parts = Parts(
            traits=self.traits,
            segments=dict(enumerate(rules)),
            identity_types={identity.type for identity in self.identities},
            trait_names=set(self.traits),
            groups=self.file.groups,
            churn=self.file.churn,
            purposes={*PURPOSES, *self.file.consent},
            segment_names=[other.name for other in rules],
        )
        return [
            f"{format_path(location[2:])}: {message}"
            for location, message in find_rule_problems(parts)
            if location[1] == at
        ]

    def role_of(self, source: str, name: str, *, claimed: bool = False) -> str:
        """The role of an event of a timeline, by the source and name it is known under; "" for none.

        A page may be called like an order: so what counts of a public source has no role that it could only claim.

        Args:
            source: name of the source it came from.
            name: of the event, or its type.
            claimed: whether it is among what is only claimed.
        """
        role = self._roles.get((source, name), "")
        return "" if not claimed and source in self.trust.public and role in self._only_claimed else role

    def shown_of(self, source: str, name: str) -> Mapping[str, Shown]:
        """What the plan says of the properties that a timeline tells of an event, by path; {} where it tells none.

        Args:
            source: name of the source it came from.
            name: of the event, or its type.
        """
        return _most_personal(self._shown.get((source, "*"), {}), self._shown.get((source, name), {}))

    @cached_property
    def _shown(self) -> Mapping[tuple[str, str], Mapping[str, Shown]]:
        """By source and name of the event."""
        found: dict[tuple[str, str], Mapping[str, Shown]] = {}
        for rule in self.rules:
            for source in rule.sources if rule.spec.show else ():
                found[source, rule.name] = _most_personal(found.get((source, rule.name), {}), described(rule.spec))
        return found

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

    def identity(self, kind: str, value: object) -> Identity | None:
        """An identity as it is held, of what a person or a tool calls it: in its one spelling, and hashed where the
        rule says so. None for a type that is not planned and for a value that identifies nobody.

        Args:
            kind: the identity type.
            value: as anybody writes it, or HASHED and the hash that a document shows.
        """
        if kind in self._hashed and type(value) is str and value.startswith(HASHED):
            held = value.removeprefix(HASHED)
            return (kind, held) if is_hash(held) else None
        spell = self._spellings.get(kind)
        try:
            text = spell(value) if spell else None
        except InexactNumber:
            return None
        return None if text is None else (kind, text)

    @cached_property
    def champions(self) -> Champions:
        """Who carries the product in a company."""
        said = self.file.groups[self.group].champions
        return Champions(said.days, said.silent, said.key_days, said.trait or "", frozenset(said.values))

    @cached_property
    def judging(self) -> Judging | None:
        """How companies are looked at; None of a plan without any."""
        if not self.group:
            return None
        asked = {name for definition in self.churn.definitions for name in definition.ends_by.disuse}
        return Judging(self.churn, WEIGHTS | self.file.groups[self.group].health, frozenset(asked - {*ROLES}))

    def horizon_of(self, profile: Profile) -> float:
        """How far the risk of a customer, or of a company, looks ahead: seconds."""
        return (
            self.judging.ground.horizon if self.judging is not None and is_company(profile.id) else self.churn.horizon
        )

    @cached_property
    def unname(self) -> Unname:
        """Takes the company out of an event, for it was erased."""
        return unname(self.file.groups[self.group])

    @cached_property
    def companies_in(self) -> frozenset[str]:
        """The traits of customers in which events name their company."""
        return named_in(self.file.groups[self.group])

    def company(self, key: str) -> str:
        """The id of a company's document."""
        return company_id(self.namespace, self.group, key)

    def cell(self, key: str, number: int) -> str:
        """The id of one of the parts of a large company's document."""
        return cell_id(self.namespace, self.group, key, number)

    def _compile(self, spec: EventSpec) -> EventRule:
        enforce, extra = spec.enforce or self.file.enforce, spec.extra or self.file.extra
        properties: dict[str, Property] = dict(spec.properties)
        where = "properties"
        if spec.type in ("identify", "group"):
            where = "traits"
        if spec.type == "identify":
            properties = {**self.file.traits, **properties}
        elif spec.type == "group":
            for group in self.file.groups.values():
                properties = {**group.traits, **properties}
        # An order that cannot say how many pieces it is of is an order all the same.
        loses = {path.split(".")[0].removesuffix("[]") for path in spec.facts.quantity}
        checker = Checker(where, properties, enforce, extra, self.currency, loses, spec.facts.amount)
        return EventRule(spec, checker, self.currency)


def _kinds(events: Sequence[EventSpec]) -> list[Part]:
    return [
        Part(spec.role, part_of(spec.role, kind), spec.name, where)
        for spec in events
        if spec.role
        for kind, where in spec.kinds.items()
    ]


def _most_personal(some: Mapping[str, Shown], others: Mapping[str, Shown]) -> Mapping[str, Shown]:
    """Both; a page may be called like an event, and a property of both is as personal as in either."""
    return {**some, **{path: told for path, told in others.items() if path not in some or some[path].pii == "none"}}


def _addresses(traits: Mapping[str, Trait]) -> list[str]:
    """The traits that are e-mail addresses."""
    return [name for name, trait in traits.items() if trait.pii == "email" or trait.format == "email"]
