"""What events are about, as columns: derived from what they carry, by the plan.

The plan's `facts` say where each is found; what they do not say is looked for under the names that Segment's
specifications and SDKs use. Personal data goes into no column but `text`, and there only from properties of the class
`free_text`. What is not of its kind is none: an event never fails here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from analysis.archive.columns import FACTS, VERSION
from models.conditions.client import browser_of, device_of, os_of
from plan.facts import SUBSCRIPTION, Get, currency_path, getter
from plan.model import ItemSpec
from plan.plan import Plan
from plan.rule import EventRule
from plan.schema import MAX_AMOUNT
from plan.traced.fact_paths import ITEM, NAMES, ORDER, channel_by_name, paths_of
from profiles.money import CURRENCIES, to_minor
from profiles.subscriptions.terms import spell_interval
from profiles.times import parse_time
from profiles.types import Event

__all__ = ["FactsOf", "facts_of", "planned_facts"]

_EDITION = 1
"""Of what this file derives: raise it when the same event and plan give other facts, so that old days can follow."""

_LABEL = 200  # characters of a word or a name; what is longer is none
_ID = 500
_TEXT = 5_000  # characters of a text that are kept
_URL = 2_048
_SHAPES = 512  # sets of properties of one event that are remembered

_CODES = frozenset(CURRENCIES)
_AT = {name: place for place, name in enumerate(FACTS)}

_MONEY = frozenset({"cost", "discount", "shipping", "mrr"})
_IDS = frozenset({"product", "agent", "plan", "utm_campaign"})
_STOCK = {
    **dict.fromkeys(("instock", "available", "true", "yes", "limitedavailability"), True),
    **dict.fromkeys(("outofstock", "soldout", "unavailable", "false", "no", "backorder", "discontinued"), False),
}

Row = list[Any]
_Fill = Callable[[Event, Mapping[str, Any], Row], None]
"""Takes one column, or several, from an event and its properties into a row."""


class FactsOf:
    """From an event to the values of FACTS. The same event gives the same ones as long as the plan is the same.

    Args:
        plan: says where they are found.
    """

    def __init__(self, plan: Plan) -> None:
        self.fingerprint = _fingerprint(plan)
        self._plan = plan
        self._readers: dict[tuple[str, str, str, str], _Reader] = {}

    def __call__(self, event: Event) -> Row:
        key = (event.source, event.type, event.name, event.role)
        reader = self._readers.get(key)
        if reader is None:
            reader = self._readers[key] = self._reader(event)
        return reader.read(event)

    def _reader(self, event: Event) -> _Reader:
        name = "" if event.name == event.type else event.name  # of calls without a name
        rule = self._plan.event(event.source, event.type, name)
        return _Reader(rule, (rule.role if rule is not None else "") or event.role, self._plan.currency)


def facts_of(plan: Plan) -> FactsOf:
    """The function that derives facts by a plan."""
    return FactsOf(plan)


class _Reader:
    """Reads the events of one kind."""

    def __init__(self, rule: EventRule | None, role: str, currency: str) -> None:
        self._role, self._currency = role, currency
        self._planned = {} if rule is None else rule.checker.properties
        self._paths = paths_of(rule, role, FACTS)
        self._item = (rule and rule.spec.facts.item) or ItemSpec()
        self._by_name = channel_by_name(rule.name if rule is not None else "")
        self._shapes: dict[tuple[str, ...], list[_Fill]] = {}

    def read(self, event: Event) -> Row:
        row: Row = [None] * len(_AT)
        properties = event.properties
        shape = tuple(properties)
        fills = self._shapes.get(shape)
        if fills is None:
            if len(self._shapes) >= _SHAPES:
                self._shapes.clear()
            fills = self._shapes[shape] = list(self._fills(set(shape)))
        for fill in fills:
            fill(event, properties, row)
        if event.context:
            _of_context(event.context, row)
        if row[_CHANNEL] is None:
            row[_CHANNEL] = self._by_name or _where(event, row)
        if row[_TEXT_AT] is not None:
            if row[_LANGUAGE] is None:
                row[_LANGUAGE] = _language(row[_TEXT_AT], row[_LOCALE])
        else:
            row[_LANGUAGE] = None
        if event.group is not None:
            row[_COMPANY] = event.group.company or None
        if event.terms is not None:
            _of_terms(event, row)
        if row[_FEATURE] is None and self._role == "feature_use":
            row[_FEATURE] = event.subject or None
        if row[_COST] is None and row[_ITEMS] and self._role in ORDER:
            row[_COST] = _cost(row[_ITEMS])
        return row

    def _fills(self, names: set[str]) -> list[_Fill]:
        """What reads the properties of these names."""
        fills = []
        for fact, paths in self._paths.items():
            here = [path for path in paths if path.partition(".")[0] in names or path.startswith("context.")]
            if here and fact in _MONEY:
                fills.append(self._money(_AT[fact], here))
            elif here and fact != "items":
                fills.append(_value(_AT[fact], [_anywhere(path) for path in here], _CONVERT[fact]))
        lists = [path for path in self._paths.get("items", ()) if path.partition(".")[0] in names]
        if lists:
            fills.append(self._items([getter(path) for path in lists]))
        elif "items" in self._paths and not names.isdisjoint(NAMES["product"]):
            fills.append(self._items([lambda properties: [properties]]))
        return fills

    def _money(self, place: int, paths: Sequence[str]) -> _Fill:
        """Money in the currency of the event, or, if it has none, of the plan; what is in another one is left out."""
        reads = [(getter(path), getter(currency_path(path, self._planned))) for path in paths]
        default = self._currency

        def fill(event: Event, properties: Mapping[str, Any], row: Row) -> None:
            for amount_of, currency_of in reads:
                amount = amount_of(properties)  # type: ignore[arg-type]
                if amount is not None:
                    code = event.currency or default
                    row[place] = _minor(amount, currency_of(properties), code)  # type: ignore[arg-type]
                    return

        return fill

    def _items(self, lists: Sequence[Get]) -> _Fill:
        product, category, quantity, price, cost = (
            _first([getter(path) for path in getattr(self._item, name) or ITEM[name]]) for name in ITEM
        )
        default = self._currency

        def fill(event: Event, properties: Mapping[str, Any], row: Row) -> None:
            for listed in lists:
                held = listed(properties)  # type: ignore[arg-type]
                if type(held) is list or type(held) is dict:
                    break
            else:
                return
            code, around = event.currency or default, properties.get("currency")
            items = []
            for item in held if type(held) is list else [held]:
                if type(item) is not dict or not item:
                    continue
                count, said = quantity(item), item.get("currency", around)
                items.append(
                    {
                        "product": _id(product(item)),
                        "category": _label(category(item)),
                        "quantity": float(count) if _is_number(count) else 1.0,
                        "price": _minor(price(item), said, code),
                        "cost": _minor(cost(item), said, code),
                    }
                )
            row[_ITEMS] = items or None

        return fill


def planned_facts(rule: EventRule) -> set[str]:
    """The columns that events of a rule may fill: those that the plan maps, and those of which it has a property."""
    planned, said = rule.checker.properties, rule.spec.facts
    found = {
        fact
        for fact, paths in paths_of(rule, rule.role, FACTS).items()
        if getattr(said, fact, ()) or any(path.partition(".")[0] in planned for path in paths)
    }
    if rule.role == "feature_use" and said.subject:
        found.add("feature")
    if rule.role in SUBSCRIPTION and said.amount:
        found.add("mrr")
    return found


def _where(event: Event, row: Row) -> str | None:
    """The channel of what was done on a page or in an app."""
    if event.type == "screen" or (row[_BROWSER] is None and "app" in event.context):
        return "app"
    return "web" if event.type == "page" or "page" in event.context else None


def _of_context(context: Mapping[str, Any], row: Row) -> None:
    """What the context says of the client, and of where its user came from."""
    if row[_DEVICE] is None:
        row[_DEVICE] = device_of(context) or None
    if row[_OS] is None:
        row[_OS] = _label(os_of(context))
    if row[_BROWSER] is None:
        row[_BROWSER] = _label(browser_of(context))
    if row[_LOCALE] is None and type(locale := context.get("locale")) is str:
        row[_LOCALE] = _label(locale.replace("_", "-"))
    page = context.get("page")
    if type(page) is not dict:
        page = {}
    if type(campaign := context.get("campaign")) is dict and campaign:
        for place, name in _CAMPAIGN:
            if row[place] is None:
                row[place] = _label(campaign.get(name))
    elif row[_UTM] is None and type(query := page.get("search") or page.get("url")) is str and "utm_" in query:
        for place, value in zip((_UTM, _UTM + 1, _UTM + 2), _utm(query[:_URL]), strict=True):
            row[place] = row[place] or value
    came_from = context.get("referrer")
    before = page.get("referrer") or (came_from.get("url") if type(came_from) is dict else came_from)
    if type(before) is str and before and row[_REFERRER] is None:
        row[_REFERRER] = _host(before[:_URL])
    if row[_REFERRER] is not None and type(here := page.get("url")) is str and _host(here[:_URL]) == row[_REFERRER]:
        row[_REFERRER] = None  # of the same site


def _of_terms(event: Event, row: Row) -> None:
    """What is known of a subscription, as the plan's facts have it."""
    terms = event.terms
    assert terms is not None
    if terms.seats is not None:
        row[_SEATS] = _whole(terms.seats)
    if terms.mrr is not None and terms.mrr >= 0:
        row[_MRR] = terms.mrr
    if terms.interval:
        row[_INTERVAL] = terms.interval
    if terms.ends is not None:
        row[_ENDS] = round(terms.ends * 1_000_000)


def _cost(items: Sequence[Mapping[str, Any]]) -> int | None:
    """Of all items together; None if that of one is not known."""
    total = 0.0
    for item in items:
        if item["cost"] is None:
            return None
        total += item["cost"] * item["quantity"]
    return round(total) if abs(total) < 2**53 else None


def _value(place: int, reads: Sequence[Callable[[Event, Mapping[str, Any]], Any]], convert: Get) -> _Fill:
    def fill(event: Event, properties: Mapping[str, Any], row: Row) -> None:
        for read in reads:
            value = read(event, properties)
            if value is not None:
                converted = convert(value)
                if converted is not None:
                    row[place] = converted
                    return

    return fill


def _anywhere(path: str) -> Callable[[Event, Mapping[str, Any]], Any]:
    if path.startswith("context."):
        of_context = getter(path.removeprefix("context."))
        return lambda event, properties: of_context(event.context)
    of_properties = getter(path)
    return lambda event, properties: of_properties(properties)  # type: ignore[arg-type]


def _first(getters: Sequence[Get]) -> Get:
    def first(item: dict[str, Any]) -> Any:
        for get in getters:
            value = get(item)
            if value is not None:
                return value
        return None

    return first


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and -MAX_AMOUNT <= value <= MAX_AMOUNT


def _minor(amount: Any, said: Any, code: str) -> int | None:
    if not _is_number(amount):
        return None
    if said is not None and said != code and type(said) is str and said.strip().upper() not in ("", code):
        return None
    return to_minor(amount, code) if code in _CODES else None


def _word(value: Any, longest: int) -> str | None:
    if type(value) is str:
        text = value.strip()
        return text if 0 < len(text) <= longest else None
    if type(value) is int or (type(value) is float and value.is_integer()):
        text = str(int(value))
        return text if len(text) <= longest else None
    return None


def _label(value: Any) -> str | None:
    return _word(value, _LABEL)


def _id(value: Any) -> str | None:
    return _word(value, _ID)


def _whole(value: Any) -> int | None:
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and -(2**31) <= value < 2**31 else None


def _yes(value: Any) -> bool | None:
    if type(value) is bool:
        return value
    if type(value) is not str or len(value) > _LABEL:
        return None
    said = value.rpartition("/")[2].lower().replace(" ", "").replace("_", "").replace("-", "")
    return _STOCK.get(said)


def _written(value: Any) -> str | None:
    return (value.strip()[:_TEXT] or None) if type(value) is str else None


def _moment(value: Any) -> int | None:
    """Microseconds since 1970."""
    try:
        return round(parse_time(value) * 1_000_000)
    except ValueError:
        return None


def _often(value: Any) -> str | None:
    return spell_interval(value) or None


def _referrer(value: Any) -> str | None:
    return _host(value[:_URL]) if type(value) is str else None


@lru_cache(maxsize=20_000)
def _host(url: str) -> str | None:
    """The host of an address, without `www.`."""
    try:
        host = urlsplit(url if "//" in url else f"//{url}").hostname
    except ValueError:
        return None
    return _label((host or "").removeprefix("www."))


@lru_cache(maxsize=5_000)
def _utm(query: str) -> tuple[str | None, str | None, str | None]:
    """Source, medium and campaign, as the query part of an address names them."""
    try:
        said = dict(parse_qsl(query.partition("#")[0].rpartition("?")[2], max_num_fields=50))
    except ValueError:
        return None, None, None
    return _label(said.get("utm_source")), _label(said.get("utm_medium")), _label(said.get("utm_campaign"))


def _language(text: str, locale: str | None) -> str | None:
    """The language of a text, by its script, else by the language of the client."""
    han = sum("\u4e00" <= letter <= "\u9fff" for letter in text)
    if any("\u3040" <= letter <= "\u30ff" for letter in text):
        return "ja"
    if any("\uac00" <= letter <= "\ud7a3" for letter in text):
        return "ko"
    if han * 4 > len(text):
        return "zh"
    return locale.partition("-")[0].lower() if locale else None


_CONVERT: dict[str, Get] = {
    **dict.fromkeys(FACTS, _label),
    **dict.fromkeys(_IDS, _id),
    "referrer": _referrer,
    "results": _whole,
    "in_stock": _yes,
    "text": _written,
    "seats": _whole,
    "interval": _often,
    "starts": _moment,
    "ends": _moment,
}

_ITEMS, _FEATURE, _COST, _CHANNEL, _DEVICE, _OS, _BROWSER, _LOCALE, _UTM, _REFERRER, _TEXT_AT, _LANGUAGE = (
    _AT[name]
    for name in (
        "items", "feature", "cost", "channel", "device", "os", "browser", "locale", "utm_source", "referrer", "text",
        "language",
    )
)  # fmt: skip
_COMPANY, _SEATS, _MRR, _INTERVAL, _ENDS = (_AT[name] for name in ("company", "seats", "mrr", "interval", "ends"))
_CAMPAIGN = ((_UTM, "source"), (_UTM + 1, "medium"), (_UTM + 2, "name"))


def _fingerprint(plan: Plan) -> str:
    """A hash of all that decides what is derived."""
    told = [
        [
            list(rule.sources), rule.type, rule.name, rule.role, rule.spec.facts.model_dump(), sorted(rule.pii.items()),
            {name: prop.currency for name, prop in rule.checker.properties.items()},
        ]
        for rule in plan.rules
    ]  # fmt: skip
    said = json.dumps([_EDITION, VERSION, plan.currency, plan.file.unplanned, told], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]
