"""What events leave in a profile's traces: found where the plan says, and read only of the roles that leave anything.

Profiles get events with properties and context still as bytes, which are opened here, for those roles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from plan.facts import getter
from plan.rule import EventRule
from plan.traced.beginnings import begins
from plan.traced.fact_paths import ITEM, channel_by_name, paths_of
from profiles.calendar.local_time import LocalTime
from profiles.traces.taking import LOOKED, OTHER, Left, Tracing
from profiles.types import Event

__all__ = ["CHANNELS", "tracing"]

CHANNELS = frozenset(
    {"web", "app", "phone", "email", "chat", "store", "post", "sms", "push", "social", "partner", "visit"}
)
"""The channels that are told apart; all others are one, so that no sender makes profiles grow."""

_ITEMS = 8  # products of an order that are kept
_LOOKED_AT = 200  # characters of a text
_FACTS = ("product", "topic", "department", "channel", "results", "text", "items", "discount", "in_stock")
_COUPONS = ("coupon", "coupon_code", "discount_code", "voucher")
_ANSWERS = ("csat", "nps", "ces", "review")
_NOTHING: Left = ()
_REMEMBERED = 20_000  # kinds of events whose reader is known

_open = msgspec.msgpack.Decoder(dict[str, Any]).decode

Words = Mapping[str, Any]
Paths = Mapping[str, tuple[str, ...]]


def tracing(zone: str, rule_of: Callable[[str, str, str], EventRule | None], contacts: Iterable[str]) -> Tracing:
    """What is noted of events by a plan.

    Args:
        zone: in which hours, days and months are cut.
        rule_of: the rule of events of a source, a type and a name.
        contacts: the channels of contacts whose cost the plan says.
    """
    channels = frozenset(contacts) - {OTHER}
    kinds: dict[tuple[str, str, str], Callable[[Event], Left]] = {}
    readers: dict[tuple[int, str], Callable[[Event], Left]] = {}

    def left(event: Event) -> Left:
        key = (event.source, event.type, event.name)
        read = kinds.get(key)
        if read is None:
            rule = rule_of(event.source, event.type, "" if event.name == event.type else event.name)
            role = event.role
            if (read := readers.get((id(rule), role))) is None:
                read = readers[id(rule), role] = _reader(rule, role, channels)
            if len(kinds) >= _REMEMBERED:  # names of pages are endless
                kinds.clear()
            kinds[key] = read
        return read(event)

    of_properties = (*_ANSWERS, "contact_made", "complaint", "inquiry", "search", "stock_alert", "purchase", "view")
    return Tracing(LocalTime(zone), dict.fromkeys(of_properties, left), channels, begins)


def _reader(rule: EventRule | None, role: str, channels: frozenset[str]) -> Callable[[Event], Left]:
    """What reads the events of one kind."""
    if role == "contact_made":
        return _contacts(paths_of(rule, role, _FACTS), rule, CHANNELS | channels)
    return _MAKERS.get(role, _answers)(paths_of(rule, role, _FACTS), rule, role)


def _answers(paths: Paths, rule: EventRule | None, role: str) -> Callable[[Event], Left]:
    words = _words(paths, "product")

    def read(event: Event) -> Left:
        if event.rating is None:
            return _NOTHING
        (product,) = words(event.properties)
        return ((role, product or event.subject, event.category),)

    return read


def _contacts(paths: Paths, rule: EventRule | None, known: frozenset[str]) -> Callable[[Event], Left]:
    words, by_name = _words(paths, "department", "channel"), channel_by_name(rule.name if rule is not None else "")

    def read(event: Event) -> Left:
        department, channel = words(event.properties)
        said = channel.casefold() or by_name or ""
        return (("contact", department, said if said in known else OTHER if said else ""),)

    return read


def _told(paths: Paths, rule: EventRule | None, role: str) -> Callable[[Event], Left]:
    words = _words(paths, "topic", "product")

    def read(event: Event) -> Left:
        topic, product = words(event.properties)
        return ((role, topic, product),)

    return read


def _searches(paths: Paths, rule: EventRule | None, role: str) -> Callable[[Event], Left]:
    words = _words(paths, "results", "text")

    def read(event: Event) -> Left:
        results, text = words(event.properties)
        wanted = " ".join(text.casefold().split()) if results == "0" else ""
        return (("search", wanted, ""),) if wanted else _NOTHING

    return read


def _wishes(paths: Paths, rule: EventRule | None, role: str) -> Callable[[Event], Left]:
    words = _words(paths, "product")

    def read(event: Event) -> Left:
        (product,) = words(event.properties)
        wanted = product or event.subject
        return (("missing", wanted, ""),) if wanted else _NOTHING

    return read


def _orders(paths: Paths, rule: EventRule | None, role: str) -> Callable[[Event], Left]:
    of_item = (rule and rule.spec.facts.item and rule.spec.facts.item.product) or ITEM["product"]
    lists, item = [getter(path) for path in paths.get("items", ())], _words({"product": of_item}, "product")
    personal = rule.pii if rule is not None else {}
    less = [getter(path) for path in (*paths.get("discount", ()), *_COUPONS) if path not in personal]

    def read(event: Event) -> Left:
        sent = _opened(event.properties)
        held = next((found for listed in lists if type(found := listed(sent)) is list), None)
        each = [sent] if held is None else [one for one in held[:_ITEMS] if type(one) is dict]
        found = [("bought", product, "") for one in each if (product := item(one)[0])]
        if any(_says_something(look(sent)) for look in less):
            found.append(("coupon", "", ""))
        return found

    return read


def _views(paths: Paths, rule: EventRule | None, role: str) -> Callable[[Event], Left]:
    """What an event is about is its product, if the plan says that they are the same: then nothing is opened for it."""
    products = paths.get("product", ())
    is_subject = rule is not None and rule.spec.facts.subject and set(rule.spec.facts.subject) <= set(products)
    if not is_subject and rule is not None and not _may_have(rule, products):
        return lambda event: _NOTHING  # as of lists
    words = _words(paths, "product")
    names = [path for path in paths.get("in_stock", ()) if "." not in path]
    gone = [_pair(name) for name in names if rule is None or _may_have(rule, (name,))]

    def read(event: Event) -> Left:
        product = event.subject if is_subject else words(event.properties)[0]
        if not product:
            return _NOTHING
        sent: Any = event.properties
        for name, pair in gone:
            if sent.get(name) is False if type(sent) is dict else pair in bytes(sent):
                return ((LOOKED, product, ""), ("missing", product, ""))
        return ((LOOKED, product, ""),)

    return read


def _may_have(rule: EventRule, paths: Iterable[str]) -> bool:
    planned = rule.checker.properties
    return any(path.partition(".")[0] in planned for path in paths)


def _pair(name: str) -> tuple[str, bytes]:
    """A name, and how it is packed together with `false`."""
    return name, msgspec.msgpack.encode(name) + msgspec.msgpack.encode(False)


def _says_something(value: Any) -> bool:
    return value not in (None, "", 0, False) and type(value) in (str, int, float)


_MAKERS: dict[str, Callable[[Paths, EventRule | None, str], Callable[[Event], Left]]] = {
    "complaint": _told,
    "inquiry": _told,
    "search": _searches,
    "stock_alert": _wishes,
    "purchase": _orders,
    "view": _views,
}


def _opened(sent: Any) -> dict[str, Any]:
    if type(sent) is dict:
        return sent
    try:
        return _open(sent)
    except msgspec.DecodeError:
        return {}


def _words(paths: Paths, *facts: str) -> Callable[[Any], list[str]]:
    """What reads a word of each of these facts, "" for none, opening an object no further than it must."""
    names = sorted({path.partition(".")[0] for fact in facts for path in paths.get(fact, ())} - {"context"})
    fields = {f"f{number}": name for number, name in enumerate(names)}
    of_name = {name: field for field, name in fields.items()}
    seen = msgspec.defstruct("Seen", [(field, Any, None) for field in fields], rename=fields)
    decode = msgspec.msgpack.Decoder(seen).decode
    looks: list[list[tuple[str, str, Callable[[Any], Any] | None]]] = []
    for fact in facts:
        look: list[tuple[str, str, Callable[[Any], Any] | None]] = []
        for path in paths.get(fact, ()):
            first, _, rest = path.partition(".")
            if first in of_name:
                look.append((of_name[first], first, getter(rest) if rest else None))
        looks.append(look)

    def words(sent: Any) -> list[str]:
        whole = type(sent) is dict
        try:
            held = sent if whole else decode(sent)
        except msgspec.DecodeError:
            return [""] * len(looks)
        found = []
        for look in looks:
            word = ""
            for field, name, rest in look:
                value = sent.get(name) if whole else getattr(held, field)
                if value is not None:
                    word = _word(value if rest is None else rest(value) if type(value) is dict else None)
                    if word:
                        break
            found.append(word)
        return found

    return words


def _word(value: Any) -> str:
    if type(value) is str:
        return value.strip()[:_LOOKED_AT]
    if type(value) is bool:
        return "true" if value else "false"
    return str(value) if type(value) is int else ""
