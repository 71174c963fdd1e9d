"""What changed between two plans, and whether it breaks something.

A change is *breaking* when events that were accepted may now be rejected, flagged or stripped, when something that
others rely on is gone, or when the same name means something else than before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from models.cases.routes import Route
from models.conditions.rules import AlertRule, SegmentRule
from models.config import Definition
from plan.model import (
    ARCHIVED_FACTS,
    ConsentSpec,
    EventSpec,
    FactsSpec,
    GroupSpec,
    IgnoreSpec,
    PlanFile,
    Property,
    SourceSpec,
    Trait,
    WebhookSpec,
)
from plan.plan import Plan
from plan.sinks.audience_table import AudiencesSpec
from plan.sinks.sink import Sink
from profiles.identity.extract import IdentityRule

__all__ = ["Change", "diff_plans"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two plans."""

    path: str  # events.Order Completed.properties.revenue
    message: str
    breaking: bool

    def __str__(self) -> str:
        """For people."""
        return f"{self.path}: {self.message}"

    def as_dict(self) -> dict[str, str | bool]:
        """For JSON."""
        return asdict(self)


def diff_plans(old: Plan | PlanFile, new: Plan | PlanFile) -> list[Change]:
    """Every change from one plan to another, in the order of the file. Empty when they mean the same."""
    before = old.file if isinstance(old, Plan) else old
    after = new.file if isinstance(new, Plan) else new
    return list(_plan(before, after))


def _breaker(plan: PlanFile) -> str:
    if plan.breaker == "off":
        return "off"
    return ", ".join(f"{name}: {value}" for name, value in plan.breaker.model_dump().items())


_STRICTNESS = {"drop_property": 0, "flag": 0, "reject": 1}
_EXTRA = {"allow": 0, "flag": 0, "drop": 1, "reject": 2}
_VERIFY = {"off": 0, "optional": 1, "required": 2}
_WIDER = {
    ("integer", "number"), ("integer", "id"), ("integer", "money"), ("string", "id"), ("money", "number"),
    ("date-time", "string"),
}  # fmt: skip


def _plan(old: PlanFile, new: PlanFile) -> Iterator[Change]:
    if (old.namespace or old.name) != (new.namespace or new.name):
        yield Change("namespace", "changed (or the name it derives from): every profile gets another id", True)
    yield from _value("currency", old.currency, new.currency, breaking=True)
    before, after = ({(one.since, *rate) for one in plan.rates for rate in one.rates.items()} for plan in (old, new))
    if before != after:
        told = "an order that is counted keeps its worth; a rebuild takes the rates of now"
        yield Change("rates", told, not before <= after)
    for key in ("timezone", "week_start"):
        yield from _value(key, getattr(old, key), getattr(new, key), breaking=True)
    analyses = [plan.analyses.model_dump(mode="json") for plan in (old, new)]
    for key in analyses[0]:
        yield from _value(f"analyses.{key}", analyses[0][key], analyses[1][key], breaking=False)
    yield from _value("catalogue", old.catalogue, new.catalogue, breaking=False)
    if old.region != new.region:
        message = f"{_word(old.region)} → {_word(new.region)}: telephone numbers without a country code get another"
        yield Change("region", message, any(rule.pii == "phone" for rule in old.identities))
    yield from _value("earliest", old.earliest, new.earliest, breaking=new.earliest > old.earliest)
    yield from _value("enforce", old.enforce, new.enforce, breaking=_STRICTNESS[new.enforce] > _STRICTNESS[old.enforce])
    yield from _value("extra", old.extra, new.extra, breaking=_EXTRA[new.extra] > _EXTRA[old.extra])
    yield from _value("unplanned", old.unplanned, new.unplanned, breaking=new.unplanned == "reject")
    if old.verify_user_ids != new.verify_user_ids:
        stricter = _VERIFY[new.verify_user_ids] > _VERIFY[old.verify_user_ids]
        yield from _value("verify_user_ids", old.verify_user_ids, new.verify_user_ids, breaking=stricter)
    yield from _value("breaker", _breaker(old), _breaker(new), breaking=False)
    yield from _each("sources", old.sources, new.sources, _source)
    yield from _each("groups", old.groups, new.groups, _group)
    yield from _each("identities", _by(old.identities, "type"), _by(new.identities, "type"), _identity)
    fewer = new.most_identities < old.most_identities
    yield from _value("most_identities", old.most_identities, new.most_identities, breaking=fewer)
    for key, none in (("blocked", True), ("unblocked", False)):
        before, after = ({value.lower() for value in getattr(plan, key)} for plan in (old, new))
        for value in sorted(before ^ after):
            nobody = (value in after) is none
            yield Change(key, f"'{value}' {'identifies nobody from now on' if nobody else 'may identify'}", nobody)
    yield from _ignored(old.ignore, new.ignore)
    yield from _each("traits", old.traits, new.traits, _trait, added=_added_property)
    yield from _each("consent", old.consent, new.consent, _consent, added=_added_purpose)
    yield from _each(
        "events",
        {_label(event): event for event in old.events},
        {_label(event): event for event in new.events},
        lambda path, a, b: _event(path, a, b, old, new),
    )
    yield from _churn(old, new)
    gone = old.builtin_segments and not new.builtin_segments
    yield from _value("builtin_segments", old.builtin_segments, new.builtin_segments, breaking=gone)
    yield from _each("segments", _by(old.segments, "name"), _by(new.segments, "name"), _rule)
    yield from _each("alerts", _by(old.alerts, "name"), _by(new.alerts, "name"), _rule)
    yield from _routes(old.routes, new.routes)
    yield from _each("sinks", old.sinks, new.sinks, _sink)
    yield from _audiences(old.audiences, new.audiences)
    yield from _each("webhooks", old.webhooks, new.webhooks, _webhook)


def _ignored(old: IgnoreSpec, new: IgnoreSpec) -> Iterator[Change]:
    yield from _value("ignore.bots", old.bots, new.bots, breaking=new.bots)
    for name in ("user_agents", "addresses", "mail_domains"):
        before, after = set(getattr(old, name)), set(getattr(new, name))
        for text in sorted(before ^ after):
            added = text in after
            yield Change(f"ignore.{name}", f"'{text}' {'is ignored from now on' if added else 'counts again'}", added)


def _webhook(path: str, old: WebhookSpec, new: WebhookSpec) -> Iterator[Change]:
    for key in ("service", "source"):
        yield from _value(f"{path}.{key}", getattr(old, key), getattr(new, key), breaking=True)
    yield from _value(f"{path}.mapping", old.mapping or "the ready one", new.mapping or "the ready one", breaking=False)


def _source(path: str, old: SourceSpec, new: SourceSpec) -> Iterator[Change]:
    name = path.removeprefix("sources.")
    yield from _value(f"{path}.topic", old.topic or f"events.{name}", new.topic or f"events.{name}", breaking=True)
    if old.write_key != new.write_key:
        yield Change(f"{path}.write_key", "changed: senders need the new one", True)
    if bool(old.public) != bool(new.public):
        message = (
            "true: orders, support events, consent and traits of people count only from other sources"
            if new.public
            else "false: whoever has its key is believed, of everybody; give it a new one"
        )
        yield Change(f"{path}.public", message, bool(new.public))
    yield from _value(f"{path}.enabled", old.enabled, new.enabled, breaking=not new.enabled)
    yield from _prose(path, old, new, ("description",))


def _identity(path: str, old: IdentityRule, new: IdentityRule) -> Iterator[Change]:
    yield from _value(f"{path}.priority", old.priority, new.priority, breaking=True)
    yield from _value(f"{path}.limit", old.limit, new.limit, breaking=new.limit < old.limit)
    yield from _value(f"{path}.keep", old.keep, new.keep, breaking=True)
    yield from _value(f"{path}.alias", old.alias, new.alias, breaking=new.alias == "join")
    yield from _value(f"{path}.pii", old.pii, new.pii, breaking=True)
    held = ["hashed" if rule.hashed else "plain" for rule in (old, new)]
    yield from _value(f"{path}.held", *held, breaking=True)
    yield from _value(f"{path}.person", old.names_a_person, new.names_a_person, breaking=True)
    for field in old.fields:
        if field not in new.fields:
            yield Change(f"{path}.fields", f"'{field}' no longer identifies", True)
    for field in new.fields:
        if field not in old.fields:
            yield Change(f"{path}.fields", f"'{field}' identifies, too", False)
    yield from _prose(path, old, new, ("description",))


def _group(path: str, old: GroupSpec, new: GroupSpec) -> Iterator[Change]:
    yield from _value(f"{path}.id", _list([*old.id]), _list([*new.id]), breaking=True)
    yield from _each(f"{path}.traits", old.traits, new.traits, _trait, added=_added_property)


def _consent(path: str, old: ConsentSpec, new: ConsentSpec) -> Iterator[Change]:
    for key in ("default", "trait", "category"):
        yield from _value(f"{path}.{key}", getattr(old, key), getattr(new, key), breaking=getattr(old, key) is not None)
    for key in ("categories", "tcf", "gpc"):
        yield from _value(f"{path}.{key}", getattr(old, key), getattr(new, key), breaking=bool(getattr(old, key)))
    yield from _prose(path, old, new, ("description", "owner", "basis"))


def _added_purpose(path: str, spec: ConsentSpec) -> Iterator[Change]:
    denied = spec.default == "denied"
    yield Change(path, f"is new, and {spec.default} for who said nothing", denied)


def _event(path: str, old: EventSpec, new: EventSpec, was: PlanFile, now: PlanFile) -> Iterator[Change]:
    for source in old.sources:
        if source not in new.sources:
            yield Change(f"{path}.sources", f"may no longer come from '{source}'", True)
    for source in new.sources:
        if source not in old.sources:
            yield Change(f"{path}.sources", f"may come from '{source}', too", False)
    yield from _value(f"{path}.role", old.role, new.role, breaking=True)
    yield from _value(f"{path}.on_repeat", old.on_repeat, new.on_repeat, breaking=True)
    yield from _value(f"{path}.member", old.member, new.member, breaking=True)
    # What the plan's own default changes is reported once, for the plan.
    if old.enforce != new.enforce:
        a, b = old.enforce or was.enforce, new.enforce or now.enforce
        yield from _value(f"{path}.enforce", a, b, breaking=_STRICTNESS[b] > _STRICTNESS[a])
    extra_before, extra = old.extra or was.extra, new.extra or now.extra
    if old.extra != new.extra:
        yield from _value(f"{path}.extra", extra_before, extra, breaking=_EXTRA[extra] > _EXTRA[extra_before])
    strict = _EXTRA[extra] > 0
    yield from _properties(f"{path}.properties", old.properties, new.properties, strict)
    for fact in FactsSpec.model_fields:
        if fact not in ARCHIVED_FACTS and getattr(old.facts, fact) != getattr(new.facts, fact):
            yield Change(f"{path}.facts", "the figures are taken from other properties", True)
            break
    if any(getattr(old.facts, fact) != getattr(new.facts, fact) for fact in ARCHIVED_FACTS):
        told = "the archive takes columns from other properties; `rapport archive upgrade --again` does so for old days"
        yield Change(f"{path}.facts", told, False)
    yield from _value(f"{path}.show", _list([*old.show]), _list([*new.show]), breaking=False)
    if old.kinds != new.kinds:
        yield Change(f"{path}.kinds", "other events are of a kind that models tell apart", False)
    yield from _prose(path, old, new, ("owner", "why", "description"))


def _properties(path: str, old: Mapping[str, Property], new: Mapping[str, Property], strict: bool) -> Iterator[Change]:
    for name, prop in old.items():
        here = f"{path}.{name}"
        if name not in new:
            yield Change(here, "is refused now" if strict else "is no longer described", strict)
        else:
            yield from _property(here, prop, new[name], strict)
    for name, prop in new.items():
        if name not in old:
            yield from _added_property(f"{path}.{name}", prop)


def _added_property(path: str, prop: Property) -> Iterator[Change]:
    yield Change(path, "is new and required" if prop.required else "is new", prop.required)


def _trait(path: str, old: Trait, new: Trait) -> Iterator[Change]:
    yield from _property(path, old, new, False)
    yield from _prose(path, old, new, ("owner", "why"))


def _property(path: str, old: Property, new: Property, strict: bool) -> Iterator[Change]:
    wider = (old.type, new.type) in _WIDER
    yield from _value(f"{path}.type", old.type, new.type, breaking=not wider)
    if old.required != new.required:
        yield Change(path, "is required now" if new.required else "is optional now", new.required)
    if old.enum != new.enum:
        gone = None if new.enum is None else [v for v in (old.enum or []) if v not in new.enum]
        if old.enum is None:
            yield Change(f"{path}.enum", f"only {_list(new.enum)} from now on", True)
        elif gone is None:
            yield Change(f"{path}.enum", "any value from now on", False)
        else:
            more = [value for value in new.enum or [] if value not in old.enum]
            if gone:
                yield Change(f"{path}.enum", f"no longer {_list(gone)}", True)
            if more:
                yield Change(f"{path}.enum", f"{_list(more)}, too", False)
    for key in ("pattern", "format"):
        a, b = getattr(old, key), getattr(new, key)
        yield from _value(f"{path}.{key}", a, b, breaking=b is not None)
    for key in ("min", "min_length", "min_items"):
        a, b = getattr(old, key), getattr(new, key)
        yield from _value(f"{path}.{key}", a, b, breaking=b is not None and (a is None or b > a))
    for key in ("max", "max_length", "max_items"):
        a, b = getattr(old, key), getattr(new, key)
        yield from _value(f"{path}.{key}", a, b, breaking=b is not None and (a is None or b < a))
    yield from _value(f"{path}.currency", old.currency, new.currency, breaking=True)
    yield from _value(f"{path}.pii", old.pii, new.pii, breaking=False)
    yield from _properties(f"{path}", old.properties or {}, new.properties or {}, strict)
    if old.items is not None and new.items is not None:
        yield from _property(f"{path}[]", old.items, new.items, strict)
    elif old.items is not new.items:
        described = new.items is not None
        yield Change(f"{path}[]", "items are described now" if described else "items may be anything", described)
    yield from _prose(path, old, new, ("description",))


_DISCARDS = {
    "label_horizon": "discards all that was learned, when a worker starts with it: the models begin anew, and the "
    "rules speak until they have learned enough",
    "horizon": "discards what was learned from labels of the whole horizon, when a worker starts with it: the direct "
    "model and the evidence for promotions begin anew, and their first labels come when the new horizon has passed",
}


def _churn(old: PlanFile, new: PlanFile) -> Iterator[Change]:
    before, after = old.churn.model_dump(mode="json"), new.churn.model_dump(mode="json")
    yield from _each(
        "churn.definitions", _by([*old.churn.definitions], "name"), _by([*new.churn.definitions], "name"), _definition
    )
    for key in before:
        if key == "definitions":
            continue
        more = f" ({_DISCARDS[key]})" if key in _DISCARDS else ""
        for change in _value(f"churn.{key}", before[key], after[key], breaking=bool(more)):
            yield Change(change.path, change.message + more, change.breaking)


def _definition(path: str, old: Definition, new: Definition) -> Iterator[Change]:
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    for key in before:
        if key in ("description", "words"):
            yield from _prose(path, old, new, (key,))
        elif key == "ends_by" and before[key] != after[key]:
            text = f"{old.ends_by.in_words()} → {new.ends_by.in_words()} (discards all that was learned of it)"
            yield Change(f"{path}.{key}", text, True)
        else:
            yield from _value(f"{path}.{key}", before[key], after[key], breaking=key.endswith("horizon"))


def _rule(path: str, old: SegmentRule | AlertRule, new: SegmentRule | AlertRule) -> Iterator[Change]:
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    for key in before:
        if before[key] == after[key]:
            continue
        if key in ("when", "exit"):
            yield Change(f"{path}.{key}", "the condition changed: other customers belong to it", False)
        else:
            yield from _value(f"{path}.{key}", before[key], after[key], breaking=False)


def _routes(old: Sequence[Route], new: Sequence[Route]) -> Iterator[Change]:
    """Of cases that open from now on. A route has no name: it is what it says."""
    for route in old:
        if route not in new:
            yield Change("routes", f"{route.in_words()}: is gone", False)
    for route in new:
        if route not in old:
            yield Change("routes", f"{route.in_words()}: is new", False)
    if [route for route in old if route in new] != [route for route in new if route in old]:
        yield Change("routes", "stand in another order: the first that matches counts", False)


def _sink(path: str, old: Sink, new: Sink) -> Iterator[Change]:
    yield from _value(f"{path}.type", old.type, new.type, breaking=True)
    before, after = (sink.model_dump(mode="json", exclude={"type"}) for sink in (old, new))
    for key in sorted({*before, *after}):
        yield from _value(f"{path}.{key}", before.get(key), after.get(key), breaking=False)


def _audiences(old: AudiencesSpec | None, new: AudiencesSpec | None) -> Iterator[Change]:
    before, after = ({} if each is None else each.model_dump(mode="json") for each in (old, new))
    for name in sorted({*before.get("segments", ()), *after.get("segments", ())}):
        if (name in before.get("segments", ())) != (name in after.get("segments", ())):
            gone = name not in after.get("segments", ())
            message = f"'{name}' is written no more" if gone else f"'{name}' is written from now on"
            yield Change("audiences.segments", message, gone)
    for part in ("identities", "traits"):
        held, told = before.get(part, {}), after.get(part, {})
        for name in sorted({*held, *told}):
            less = name in held and held.get(name) != told.get(name)
            yield from _value(f"audiences.{part}.{name}", held.get(name), told.get(name), breaking=less)
    if old is not None and new is not None:
        for key in ("every", "keep"):
            yield from _value(f"audiences.{key}", before[key], after[key], breaking=False)


def _each(
    section: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    compare: Callable[[str, Any, Any], Iterator[Change]],
    added: Callable[[str, Any], Iterator[Change]] | None = None,
) -> Iterator[Change]:
    for name, value in old.items():
        path = f"{section}.{name}"
        if name not in new:
            yield Change(path, "is gone", True)
        else:
            yield from compare(path, value, new[name])
    for name, value in new.items():
        if name not in old:
            path = f"{section}.{name}"
            yield from added(path, value) if added else [Change(path, "is new", False)]


def _value(path: str, old: Any, new: Any, *, breaking: bool) -> Iterator[Change]:
    if old != new:
        yield Change(path, f"{_word(old)} → {_word(new)}", breaking)


def _prose(path: str, old: Any, new: Any, keys: tuple[str, ...]) -> Iterator[Change]:
    for key in keys:
        if getattr(old, key) != getattr(new, key):
            yield Change(f"{path}.{key}", "is worded anew" if key != "owner" else f"is {getattr(new, key)} now", False)


def _by(rules: list[Any], key: str) -> dict[str, Any]:
    return {getattr(rule, key): rule for rule in rules}


def _label(event: EventSpec) -> str:
    """A track event by its name, another call by its type, so that labels stay the same between versions."""
    if event.type == "track":
        return event.name
    return event.type if event.name == "*" else f"{event.type} {event.name}"


def _list(values: list[Any] | None) -> str:
    return ", ".join(map(str, values or []))


def _word(value: Any) -> str:
    return "none" if value is None or value == "" else f"{value:g}" if isinstance(value, float) else str(value)
