"""What a schema cannot say: that the parts of a plan fit together. Works on the parts that parsed, so that a
mistake in one event does not hide the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from models.cases.routes import Route
from models.companies.health import LEAST, WEIGHTS
from models.conditions.churns import unknown
from models.conditions.kinds.leaving import Leaving, Left, Lost
from models.conditions.rules import AlertRule, SegmentRule
from models.conditions.tree import Condition, leaves, measures_of, segments_of
from models.conditions.vocabulary import Vocabulary, suggest
from models.conditions.where import MOST_NARROWINGS, WORDS, narrowing, planned_words
from models.config import ChurnConfig
from models.features.kinds import KINDS
from models.segments.purposes import segment_needs
from plan.analyses import AnalysesSpec
from plan.cross_checks.analyses import analyses_problems
from plan.cross_checks.audiences import audience_problems, audience_warnings
from plan.cross_checks.definitions import definition_problems, definition_warnings
from plan.cross_checks.routes import route_problems, route_warnings
from plan.cross_checks.sinks import sink_problems, sink_warnings
from plan.cross_checks.webhooks import webhook_problems, webhook_warnings
from plan.facts import SUBSCRIPTION
from plan.model import (
    ARCHIVED_FACTS,
    ROLES,
    ConsentSpec,
    EventSpec,
    GroupSpec,
    Property,
    SourceSpec,
    Trait,
    WebhookSpec,
)
from plan.sinks.audience_table import AudiencesSpec
from plan.sinks.sink import Sink
from plan.source_map import Location
from plan.trust import BUSINESS, PERSONAL
from profiles.consent import PREFIX, PROFILING, is_consent
from profiles.identity.extract import IdentityRule
from profiles.identity.placeholders import Placeholders
from profiles.ledger.entries import ROLES as LEDGER_ROLES

__all__ = ["Parts", "Remark", "find_problems", "find_rule_problems", "find_warnings"]

Remark = tuple[Location, str]

_FACT_TYPES = {
    "amount": ("money",),
    "currency": ("string",),
    "quantity": ("integer", "number"),
    "subject": ("string", "id", "integer"),
    "refund": ("string", "id", "integer"),
    "rating": ("integer", "number"),
    "category": ("string",),
    "ends": ("date-time", "string", "integer", "number"),
    "interval": ("string",),
    "seats": ("integer", "number"),
    "mrr": ("money",),
    "items": ("object",),  # each of them
    **dict.fromkeys(
        (
            "product", "feature", "topic", "reason", "channel", "device", "os", "browser", "locale", "utm_source",
            "utm_medium", "utm_campaign", "referrer", "department", "agent", "resolution", "language", "plan",
        ),
        ("string", "id", "integer"),
    ),
    **dict.fromkeys(("cost", "discount", "shipping"), ("money",)),
    "results": ("integer", "number"),
    "in_stock": ("boolean", "string"),
    "text": ("string",),
    "starts": ("date-time", "string", "integer", "number"),
}  # fmt: skip
_ITEM_TYPES = {
    "product": ("string", "id", "integer"),
    "category": ("string", "id"),
    "quantity": ("integer", "number"),
    "price": ("money",),
    "cost": ("money",),
}
_FROM_LISTS = ("quantity", "category")
_OF_SUBSCRIPTIONS = ("ends", "interval", "seats", "mrr")


@dataclass
class Parts:
    """The parts of a plan that parsed, by their place in the file, and every name that the file declares."""

    sources: dict[str, SourceSpec] = field(default_factory=dict)
    identities: dict[int, IdentityRule] = field(default_factory=dict)
    traits: dict[str, Trait] = field(default_factory=dict)
    groups: dict[str, GroupSpec] = field(default_factory=dict)
    consent: dict[str, ConsentSpec] = field(default_factory=dict)
    events: dict[int, EventSpec] = field(default_factory=dict)
    churn: ChurnConfig | None = None
    segments: dict[int, SegmentRule] = field(default_factory=dict)
    alerts: dict[int, AlertRule] = field(default_factory=dict)
    routes: dict[int, Route] = field(default_factory=dict)
    sinks: dict[str, Sink] = field(default_factory=dict)
    sink_names: set[str] = field(default_factory=set)
    audiences: AudiencesSpec | None = None
    analyses: AnalysesSpec | None = None
    webhooks: dict[str, WebhookSpec] = field(default_factory=dict)
    source_names: set[str] = field(default_factory=set)
    identity_types: set[str] = field(default_factory=set)
    trait_names: set[str] = field(default_factory=set)
    purposes: set[str] = field(default_factory=set)
    segment_names: list[str] = field(default_factory=list)
    alert_names: list[str] = field(default_factory=list)
    builtin: list[SegmentRule] = field(default_factory=list)  # those that the plan has besides, before its own
    property_names: set[str] = field(default_factory=set)
    blocked: list[str] = field(default_factory=list)
    unblocked: list[str] = field(default_factory=list)
    region: str | None = None
    verify_user_ids: str = "off"


def find_problems(parts: Parts) -> Iterator[Remark]:
    """Everything that makes the plan unusable."""
    yield from _sources(parts)
    yield from _identities(parts)
    yield from _blocked(parts)
    yield from _consent(parts)
    yield from _companies(parts)
    yield from _events(parts)
    yield from _rules(parts)
    yield from _calibrated(parts)
    if parts.churn:
        yield from definition_problems(parts.churn)
    yield from webhook_problems(parts.webhooks, parts.source_names)
    yield from route_problems(
        parts.routes,
        alerts=parts.alerts.values(),
        alert_names=parts.alert_names,
        segments=[*parts.builtin, *parts.segments.values()],
        segment_names=[*(rule.name for rule in parts.builtin), *parts.segment_names],
        traits=parts.traits,
        trait_names=parts.trait_names,
        groups=parts.groups,
    )
    yield from sink_problems(
        parts.sinks,
        parts.routes,
        sink_names=parts.sink_names,
        segments=[*parts.builtin, *parts.segments.values()],
        segment_names=[*(rule.name for rule in parts.builtin), *parts.segment_names],
        identity_types=parts.identity_types,
    )
    if parts.audiences:
        yield from audience_problems(
            parts.audiences,
            segments=[*parts.builtin, *parts.segments.values()],
            segment_names=[*(rule.name for rule in parts.builtin), *parts.segment_names],
            identities=parts.identities.values(),
            identity_types=parts.identity_types,
            trait_names=parts.trait_names,
        )
    if parts.analyses:
        yield from analyses_problems(
            parts.analyses,
            [*(rule.name for rule in parts.builtin), *parts.segment_names],
            [rule.name for rule in parts.segments.values() if rule.grain == "company"],
        )


def find_rule_problems(parts: Parts) -> Iterator[Remark]:
    """What is wrong with the segments and alerts alone."""
    return _rules(parts)


def find_warnings(parts: Parts) -> Iterator[Remark]:
    """What is allowed, but hardly meant."""
    planned = {name for event in parts.events.values() for name in event.sources}
    carried = {event.role for event in parts.events.values()}
    for name in parts.sources:
        if name not in planned:
            yield ("sources", name), "no event comes from it, so every event it sends is unplanned"
    known_keys = [n for n, s in parts.sources.items() if s.write_key.get_secret_value().startswith("dev-")]
    if known_keys:
        yield (
            ("sources",),
            f"the write keys of {', '.join(known_keys)} are for trying things; set your own before you go live",
        )
    yield from _public(parts)
    yield from _held(parts)
    yield from _addresses(parts)
    for index, value in enumerate(parts.unblocked):
        if Placeholders().reason(value) is None:
            yield ("unblocked", index), f"'{value}' is no usual placeholder, so it identifies somebody anyway"
    for location, condition in _conditions(parts):
        for role in condition.roles():
            if role not in carried and role in ROLES:
                yield location, f"no event has the role '{role}', so this can never come true"
    yield from _shadowed(parts)
    for name, purpose in parts.consent.items():
        if not purpose.is_said and "consent" not in carried:
            yield ("consent", name), "names no trait and no category, so nobody can say anything about it"
    yield from _subjects(parts)
    yield from route_warnings(parts.routes)
    yield from sink_warnings(parts.sinks, parts.routes, parts.alerts)
    yield from audience_warnings(parts.audiences, traits=parts.traits, identities=parts.identities.values())
    yield from webhook_warnings(parts.webhooks, parts.sources)
    if parts.churn:
        yield from definition_warnings(parts.churn, carried)
    if parts.churn and parts.churn.role not in carried:
        yield ("churn",), f"no event has the role '{parts.churn.role}', so there is nothing to predict"


def _calibrated(parts: Parts) -> Iterator[Remark]:
    """Groups of customers for whom risks are to be right are known, not personal, and hang on no risk themselves."""
    rules = [*parts.builtin, *parts.segments.values()]
    needs = segment_needs(rules)
    for index, name in enumerate((parts.churn and parts.churn.groups) or ()):
        kind, _, key = name.partition(":")
        location = ("churn", "groups", index)
        if kind == "trait" and key in parts.traits:
            if parts.traits[key].pii != "none":
                yield location, f"the trait '{key}' is personal (pii: {parts.traits[key].pii}), so it makes no groups"
        elif kind == "segment" and key in needs:
            if PROFILING in needs[key]:
                yield location, f"the segment '{key}' looks at the risk, so it cannot make that right"
        elif kind not in ("trait", "segment"):
            yield location, f"'{name}' is no group: write trait:NAME or segment:NAME"
        elif key not in (parts.trait_names if kind == "trait" else parts.segment_names):
            yield location, f"there is no {kind} '{key}'"


def _shadowed(parts: Parts) -> Iterator[Remark]:
    """Words of `where` that an event has a property of the same name as."""
    properties = _vocabulary(parts).properties
    for location, condition in _conditions(parts):
        for role, where in condition.narrowed():
            for name in planned_words(where.keys() & properties.get(role, ())):
                yield (
                    location,
                    f"`where: {{{name}: …}}` is about the sender's {name}, not about the property '{name}'; for that "
                    f"write `properties.{name}`",
                )


def _subjects(parts: Parts) -> Iterator[Remark]:
    """Events that add up, and do not say what they are about."""
    for index, event in parts.events.items():
        if event.role in LEDGER_ROLES and not event.facts.subject and event.on_repeat != "each":
            yield (
                ("events", index, "facts"),
                f"what has the role '{event.role}' counts once a subject, and there is no `subject`: an order that two "
                "systems tell counts twice; say where its number is, or `on_repeat: each`",
            )


def _public(parts: Parts) -> Iterator[Remark]:
    """Sources of which nobody has said whose key they have, and roles that no source is believed of."""
    for name, source in parts.sources.items():
        if source.public is None:
            yield (
                ("sources", name),
                "says not whether it is `public`, so whoever has its key is believed, of everybody; set `public: true` "
                "if the key is in a page or an app, `false` if only servers of yours have it",
            )
    public = {name for name, source in parts.sources.items() if source.public}
    if parts.verify_user_ids != "off" and not public:
        yield ("verify_user_ids",), "no source is `public`, and only their user ids are verified"
    by_role: dict[str, list[int]] = {}
    for index, event in parts.events.items():
        by_role.setdefault(event.role or "", []).append(index)
    claimed = BUSINESS if parts.verify_user_ids != "off" else BUSINESS | PERSONAL
    for role in sorted(claimed & by_role.keys()):
        if all(source in public for index in by_role[role] for source in parts.events[index].sources):
            yield (
                ("events", by_role[role][0], "sources"),
                f"only public sources may send what has the role '{role}', so it is claimed and never counts",
            )


def _sources(parts: Parts) -> Iterator[Remark]:
    keys: dict[str, str] = {}
    topics: dict[str, str] = {}
    for name, source in parts.sources.items():
        if not name.isascii() or not name.replace("_", "").replace("-", "").isalnum() or not name.islower():
            yield ("sources", name), "a source is named in lower-case letters, digits, '_' and '-'"
        key = source.write_key.get_secret_value()
        if key in keys:
            yield ("sources", name, "write_key"), f"is the key of source '{keys[key]}', too"
        keys.setdefault(key, name)
        topic = source.topic or f"events.{name}"
        if topic in topics:
            yield ("sources", name, "topic"), f"'{topic}' is the topic of source '{topics[topic]}', too"
        topics.setdefault(topic, name)


def _identities(parts: Parts) -> Iterator[Remark]:
    types: set[str] = set()
    priorities: dict[int, str] = {}
    for index, rule in parts.identities.items():
        here = ("identities", index)
        if rule.type in types:
            yield (*here, "type"), f"identity '{rule.type}' is defined twice"
        types.add(rule.type)
        if rule.priority in priorities:
            yield (
                (*here, "priority"),
                f"'{priorities[rule.priority]}' has priority {rule.priority}, too; one of them must be weaker",
            )
        priorities.setdefault(rule.priority, rule.type)
        for number, path in enumerate(rule.fields):
            where, _, name = path.removeprefix("context.").partition(".")
            if where == "traits" and name not in parts.trait_names:
                yield (*here, "fields", number), f"there is no trait '{name}'{suggest(name, parts.trait_names)}"
            if where == "properties" and name not in parts.property_names:
                yield (
                    (*here, "fields", number),
                    f"no event has a property '{name}'{suggest(name, parts.property_names)}",
                )


def _blocked(parts: Parts) -> Iterator[Remark]:
    blocked = {value.strip().lower() for value in parts.blocked}
    for index, value in enumerate(parts.unblocked):
        if value.strip().lower() in blocked:
            yield ("unblocked", index), f"'{value}' is `blocked`, too"


def _consent(parts: Parts) -> Iterator[Remark]:
    for name, purpose in parts.consent.items():
        if purpose.trait is None:
            continue
        place = ("consent", name, "trait")
        if purpose.trait not in parts.trait_names:
            yield place, f"there is no trait '{purpose.trait}'{suggest(purpose.trait, parts.trait_names)}"
        elif (trait := parts.traits.get(purpose.trait)) and trait.type != "boolean":
            yield place, f"trait '{purpose.trait}' is of type {trait.type}; consent needs a boolean"
    for name in parts.trait_names:
        if is_consent(name):
            yield ("traits", name), f"names that begin with '{PREFIX}' are for what customers said about the purposes"


def _companies(parts: Parts) -> Iterator[Remark]:
    """What stands for companies, and what only companies of the plan may have."""
    for name in parts.groups:
        if name in parts.identity_types:
            yield ("groups", name), f"'{name}' is an identity, too; a company is no customer"
    for name, group in parts.groups.items():
        trait = group.champions.trait
        if trait is not None and trait not in parts.trait_names:
            place = ("groups", name, "champions", "trait")
            yield place, f"there is no trait '{trait}' of people{suggest(trait, parts.trait_names)}"
        planned = parts.traits[trait].enum if trait in parts.traits else None
        for value in group.champions.values if planned else ():
            if value not in (planned or ()):
                place = ("groups", name, "champions", "values")
                yield place, f"trait '{trait}' is never {value!r}; it is one of {', '.join(map(str, planned or ()))}"
        if sum(weight > 0 for weight in (WEIGHTS | group.health).values()) < LEAST:
            yield ("groups", name, "health"), f"fewer than {LEAST} parts count, so no company would have a health"
    for index, event in parts.events.items() if not parts.groups else ():
        if event.member is not None:
            yield ("events", index, "member"), "the plan has no `groups`, so nobody is a member of anything"


def _of_companies(parts: Parts) -> Iterator[Remark]:
    """Rules about companies: they have no risk, and no place among customers."""
    segments = [*parts.builtin, *parts.segments.values()]
    of_companies = {rule.name for rule in segments if rule.grain == "company"}
    customers = {rule.name for rule in segments} - of_companies
    for section, rules in (("segments", parts.segments), ("alerts", parts.alerts)):
        for index, rule in rules.items():
            conditions = [held for held in (rule.when, getattr(rule, "exit", None)) if held is not None]
            used = [*segments_of(*conditions), *filter(None, [getattr(rule, "segment", None)])]
            strangers = customers if rule.grain == "company" else of_companies
            for name in used:
                if name in strangers:
                    yield (section, index), f"segment '{name}' is not of the same `grain`"
            if rule.grain != "company":
                if any(leaf.of_companies() for condition in conditions for leaf in leaves(condition)):
                    yield (section, index), "asks for a measure of companies, so it needs `grain: company`"
                continue
            if not parts.groups:
                yield (section, index, "grain"), "the plan has no `groups`, so there is no company"
            measures, clusters = measures_of(*conditions)
            if measures or clusters or _of_models(rule, conditions):
                message = "companies have a risk of their own, but no leaving score, further definitions or ranks"
                yield (section, index), message


def _of_models(rule: SegmentRule | AlertRule, conditions: Sequence[Condition]) -> bool:
    """Whether a rule asks for what only models of customers say."""
    if isinstance(rule, AlertRule) and (rule.score != "risk" or rule.churn is not None):
        return True
    return any(
        isinstance(leaf, Left | Leaving | Lost) or getattr(leaf, "churn", None) is not None
        for condition in conditions
        for leaf in leaves(condition)
    )


def _held(parts: Parts) -> Iterator[Remark]:
    """Identities that are personal data, and not taken as such."""
    for index, rule in parts.identities.items():
        if rule.pii == "phone" and not parts.region:
            yield ("identities", index), "without the plan's `region`, numbers without a country code identify nobody"
        for path in rule.fields:
            where, _, name = path.removeprefix("context.").partition(".")
            trait = parts.traits.get(name) if where == "traits" else None
            if trait and rule.held is None and not rule.hashed and trait.pii not in ("id", "none"):
                yield (
                    ("identities", index),
                    f"trait '{name}' is {trait.pii}, and the identity is not, so it is held plainly; "
                    f"set `pii: {trait.pii}`, or say `held: plain`",
                )


def _addresses(parts: Parts) -> Iterator[Remark]:
    """Identities that are e-mail addresses by what the plan says of them, and are not spelt as such."""
    for index, rule in parts.identities.items():
        if rule.pii == "email":
            continue
        traits = [parts.traits.get(path.removeprefix("context.").removeprefix("traits.")) for path in rule.fields]
        if rule.held is None and not rule.hashed and any(trait and trait.pii not in ("id", "none") for trait in traits):
            continue  # told by `_held`
        named = _MAIL.search(f"{rule.type} {' '.join(rule.fields)} {rule.description}".replace("_", " "))
        if named or any(trait is not None and trait.format == "email" for trait in traits):
            yield (
                ("identities", index),
                f"'{rule.type}' is an e-mail address, it seems, and is not spelt as one: Ada@example.com and "
                "ada@example.com are two customers; set `pii: email`, and `held: plain` if it shall be read",
            )


_MAIL = re.compile(r"\be-?mail", re.IGNORECASE)


def _events(parts: Parts) -> Iterator[Remark]:
    planned: set[tuple[str, str, str]] = set()
    on_repeat: dict[str, str] = {}
    for index, event in parts.events.items():
        here = ("events", index)
        for number, source in enumerate(event.sources):
            if source not in parts.source_names:
                yield (
                    (*here, "sources", number),
                    f"there is no source '{source}'{suggest(source, parts.source_names)}",
                )
            if (source, event.type, event.name) in planned:
                yield (
                    (*here, "name"),
                    f"{event.type} '{event.name}' is planned twice for source '{source}'",
                )
            planned.add((source, event.type, event.name))
        yield from _money((*here, "properties"), event.properties)
        yield from _facts(here, event)
        yield from _repeats(here, event, on_repeat)
        yield from _kinds((*here, "kinds"), event)
        yield from _shown((*here, "show"), event)
    yield from _money(("traits",), parts.traits)


def _money(here: Location, properties: Mapping[str, Property]) -> Iterator[Remark]:
    for name, prop in properties.items():
        if prop.currency is not None:
            sibling = properties.get(prop.currency)
            if sibling is None or sibling.type != "string":
                yield (
                    (*here, name, "currency"),
                    f"there is no string property '{prop.currency}' beside it to hold the currency",
                )
        inner = prop
        place: Location = (*here, name)
        while inner.items is not None:
            inner, place = inner.items, (*place, "items")
        if inner.properties:
            yield from _money((*place, "properties"), inner.properties)


def _facts(here: Location, event: EventSpec) -> Iterator[Remark]:
    for fact, types in _FACT_TYPES.items():
        place: Location = (*here, "facts", fact)
        if fact in _OF_SUBSCRIPTIONS and getattr(event.facts, fact) and event.role not in SUBSCRIPTION:
            roles = ", ".join(sorted(SUBSCRIPTION))
            yield place, f"is for what happens to a subscription: events with a role among {roles}"
        for path in getattr(event.facts, fact):
            if fact in ARCHIVED_FACTS and fact != "items" and path.startswith("context."):
                if fact in ("text", "cost", "discount", "shipping"):
                    yield place, f"{fact} is found in properties, not in the context"
                continue
            found = _property_at(f"{path}[]" if fact == "items" else path, event.properties)
            if isinstance(found, str):
                yield place, found
            elif fact == "text" and found.pii != "free_text":
                yield place, f"'{path}' is of the class {found.pii}; what customers write is `pii: free_text`"
            elif fact in ARCHIVED_FACTS and fact not in ("text", "items") and found.pii != "none":
                yield place, f"'{path}' is personal (pii: {found.pii}), so it becomes no column of the archive"
            elif found.type not in types:
                yield place, f"'{path}' is of type {found.type}; {fact} needs {' or '.join(types)}"
            elif "[]" in path and fact not in _FROM_LISTS:
                yield place, f"only {' and '.join(_FROM_LISTS)} can be taken from a list, {fact} can not"
    yield from _item(here, event)


def _item(here: Location, event: EventSpec) -> Iterator[Remark]:
    """What the archive keeps of an item is found in the items of every list that the event says."""
    said = {name: paths for name in _ITEM_TYPES if (paths := getattr(event.facts.item, name, ()))}
    if said and not event.facts.items:
        yield (*here, "facts", "item"), "goes with `items`, which say where the list is"
    for listed in event.facts.items:
        found = _property_at(f"{listed}[]", event.properties)
        if isinstance(found, str):
            continue  # told by `_facts`
        for name, paths in said.items():
            for path in paths:
                held = _property_at(path, found.properties or {})
                if isinstance(held, str):
                    yield (*here, "facts", "item", name), held
                elif held.type not in _ITEM_TYPES[name]:
                    needed = " or ".join(_ITEM_TYPES[name])
                    yield (*here, "facts", "item", name), f"'{path}' is of type {held.type}; {name} needs {needed}"


def _repeats(here: Location, event: EventSpec, known: dict[str, str]) -> Iterator[Remark]:
    """`on_repeat` is of a role: reports of one order may be different events."""
    if event.on_repeat is None:
        return
    place = (*here, "on_repeat")
    if event.role not in LEDGER_ROLES:
        yield place, f"is for what adds up: events with a role among {', '.join(LEDGER_ROLES)}"
    elif (other := known.setdefault(event.role, event.on_repeat)) != event.on_repeat:
        yield place, f"another event with the role '{event.role}' says {other}"


def _kinds(here: Location, event: EventSpec) -> Iterator[Remark]:
    known = KINDS.get(event.role or "", ())
    for kind, where in event.kinds.items():
        if kind not in known:
            of = f"there are {', '.join(known)}" if known else f"roles with kinds are {', '.join(KINDS)}"
            yield (*here, kind), f"no kind of the role '{event.role or ''}' is '{kind}'; {of}"
        for path in where:
            name = path.removeprefix("properties.").partition(".")[0].removesuffix("[]")
            if path not in WORDS and not path.startswith("context.") and name not in event.properties:
                yield (*here, kind), f"there is no property '{name}'{suggest(name, event.properties)}"


def _shown(here: Location, event: EventSpec) -> Iterator[Remark]:
    if event.show and event.type in ("identify", "group", "alias"):
        yield here, f"is for what customers do; what {event.type} calls say are traits, which are shown by themselves"
        return
    for number, path in enumerate(event.show):
        found = _property_at(path, event.properties)
        if isinstance(found, str):
            yield (*here, number), found
        elif found.type in ("object", "array"):
            yield (*here, number), f"'{path}' is of type {found.type}; name a value in it"
        elif path.count("[]") > 1:
            yield (*here, number), f"'{path}' looks into a list within a list; one can be told, not several"


def _property_at(path: str, properties: Mapping[str, Property]) -> Property | str:
    """The property that a fact's path names, or what is wrong with the path."""
    level: Mapping[str, Property] = properties
    found: Property | None = None
    for part in path.split("."):
        name = part.removesuffix("[]")
        found = level.get(name)
        if found is None:
            return f"there is no property '{name}' for '{path}'{suggest(name, level)}"
        if part.endswith("[]"):
            if found.items is None:
                return f"'{name}' in '{path}' is not an array with items"
            found = found.items
        elif found.type == "array":
            return f"'{name}' in '{path}' is an array; write '{name}[].…' to look into it"
        level = found.properties or {}
    assert found is not None  # split never gives an empty list
    return found


def _conditions(parts: Parts) -> Iterator[tuple[Location, Condition]]:
    """Every leaf of every condition, with the location of the rule's condition."""
    rules: list[tuple[Location, SegmentRule | AlertRule]] = [
        *((("segments", i), rule) for i, rule in parts.segments.items()),
        *((("alerts", i), rule) for i, rule in parts.alerts.items()),
    ]
    for here, rule in rules:
        for key in ("when", "exit"):
            condition = getattr(rule, key, None)
            if condition is not None:
                yield from (((*here, key), leaf) for leaf in leaves(condition))


def _rules(parts: Parts) -> Iterator[Remark]:
    for section, rules in (("segments", parts.segments), ("alerts", parts.alerts)):
        names: set[str] = set()
        for index, rule in rules.items():
            if rule.name in names:
                yield (section, index, "name"), f"{section[:-1]} '{rule.name}' is defined twice"
            names.add(rule.name)
            if rule.purpose is not None and rule.purpose not in parts.purposes:
                here = (section, index, "purpose")
                yield here, f"there is no purpose '{rule.purpose}'{suggest(rule.purpose, parts.purposes)}"
    known = _vocabulary(parts)
    for index, alert in parts.alerts.items():
        if alert.segment is not None and alert.segment not in known.segments:
            yield (
                ("alerts", index, "segment"),
                f"there is no segment '{alert.segment}'{suggest(alert.segment, known.segments)}",
            )
        yield from ((("alerts", index, "churn"), message) for message in unknown(alert.churn, known))
    narrowed = {narrowing(role, where) for _, leaf in _conditions(parts) for role, where in leaf.narrowed()}
    if len(narrowed) > MOST_NARROWINGS:
        message = (
            f"conditions narrow roles in {len(narrowed)} ways; {MOST_NARROWINGS} at most, as every profile counts them"
        )
        yield ("segments",), message
    yield from _groups(parts)
    yield from _of_companies(parts)
    theirs = {name: trait for group in parts.groups.values() for name, trait in group.traits.items()}
    of_companies = {name: trait.enum or () for name, trait in theirs.items()}
    by_grain = {
        "customer": (known.traits, _dates({name: parts.traits.get(name) for name in parts.trait_names})),
        "company": (of_companies, _dates(theirs)),
    }
    for location, condition in _conditions(parts):
        rule = (parts.segments if location[0] == "segments" else parts.alerts)[int(location[1])]
        traits, dates = by_grain[rule.grain]
        known = replace(known, traits=traits, dates=dates)
        place = location[1]
        if location[0] == "segments" and isinstance(place, int):
            known = replace(known, earlier=known.segments[: len(parts.builtin) + place])
        else:
            known = replace(known, earlier=known.segments)
        yield from ((location, message) for message in condition.problems(known))


def _groups(parts: Parts) -> Iterator[Remark]:
    """The segments of a group follow one another, so that they can be decided together, and do not use each other."""
    members: dict[str, set[str]] = {}
    before: str | None = None
    for index, rule in [*((-1, rule) for rule in parts.builtin), *parts.segments.items()]:
        if rule.group is not None:
            here = ("segments", index)
            if rule.group != before and rule.group in members:
                yield (*here, "group"), f"the segments of group '{rule.group}' must follow one another"
            for key, condition in (("when", rule.when), ("exit", rule.exit)):
                for name in segments_of(condition) if condition is not None else ():
                    if name in members.get(rule.group, ()):
                        yield (*here, key), f"segment '{name}' is of the same group, so it cannot be used here"
            members.setdefault(rule.group, set()).add(rule.name)
        before = rule.group


def _dates(traits: Mapping[str, Trait | None]) -> frozenset[str]:
    """The traits that may be dates: those of that type, texts and numbers of no other kind, and what did not parse."""
    return frozenset(
        name
        for name, trait in traits.items()
        if trait is None
        or trait.type in ("date-time", "integer", "number")
        or (trait.type == "string" and trait.enum is None and trait.format in (None, "date"))
    )


def _vocabulary(parts: Parts) -> Vocabulary:
    """What the conditions of a plan may name; those of alerts any segment."""
    traits = {name: (parts.traits[name].enum if name in parts.traits else None) or () for name in parts.trait_names}
    segments = [*(rule.name for rule in parts.builtin), *parts.segment_names]
    properties: dict[str, set[str]] = {}
    for event in parts.events.values():
        properties.setdefault(event.role or "", set()).update(event.properties)
    churns = [definition.name for definition in parts.churn.definitions] if parts.churn else []
    return Vocabulary(ROLES, traits, parts.identity_types, segments, segments, properties, churns)
