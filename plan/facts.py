"""The neutral facts of an event: where they are found is worked out once, when the plan is read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from plan.model import EventSpec, FactsSpec, Property
from plan.schema import MAX_AMOUNT
from profiles.identity.placeholders import Placeholders
from profiles.ledger.entries import KINDS
from profiles.money import CURRENCIES, to_minor
from profiles.subscriptions.terms import monthly, spell_interval
from profiles.times import parse_time
from profiles.types import Number, Terms

__all__ = ["SUBSCRIPTION", "Facts", "Get", "compile_facts", "currency_path", "getter"]

Get = Callable[[dict[str, Any]], Any]
"""Reads a value out of properties; None if it is not there."""


class Facts(msgspec.Struct, frozen=True, gc=False):
    """The neutral facts of an event; zero, empty or None where it has none."""

    amount: int = 0  # minor units
    currency: str = ""  # ISO-4217, whenever there is an amount
    quantity: float = 0.0
    subject: str = ""
    rating: float | None = None
    category: str = ""
    refund: str = ""
    terms: Terms | None = None  # of a subscription


SUBSCRIPTION = frozenset(
    {
        "subscription_start", "subscription_renew", "subscription_pause", "subscription_cancel", "subscription_change",
        "subscription_grow", "subscription_shrink",
    }
)  # fmt: skip
"""The roles of what happens to a subscription."""

_NO_FACTS, _NO_TERMS = Facts(), Terms()
_CODES = frozenset(CURRENCIES)
_LONGEST = 500  # characters of a subject; a longer one is an accident, not an id
_LONGEST_CATEGORY = 100
_PLACEHOLDERS = Placeholders()
_FIGURE = re.compile("[1-9]")  # what has one is hardly a placeholder, and nearly every order has
_MARKS = "-{<$%#["


def compile_facts(spec: EventSpec, plan_currency: str) -> Callable[[dict[str, Any]], Facts]:
    """A function from properties to facts, with every path resolved beforehand."""
    facts = spec.facts
    terms = _terms(facts) if spec.role in SUBSCRIPTION else None
    if terms and not facts.amount:
        facts = facts.model_copy(update={"amount": facts.mrr})
    amounts = [(getter(path), getter(currency_path(path, spec.properties))) for path in facts.amount]
    currency = _first([getter(path) for path in facts.currency])
    quantity = _first([_summed(path) if "[]." in path else getter(path) for path in facts.quantity])
    subject = _first([getter(path) for path in facts.subject])
    rating = _first([getter(path) for path in facts.rating])
    refund = _first([getter(path) for path in facts.refund])
    category = _first([_most(path) if "[]." in path else getter(path) for path in facts.category])
    if not (facts.amount or facts.quantity or facts.subject or facts.rating or facts.category or terms):
        return lambda properties: _NO_FACTS

    subject_of = _subject_that_adds_up if spec.role in KINDS else _subject

    def money(properties: dict[str, Any]) -> tuple[int, str]:
        for amount_of, currency_of in amounts:
            amount = amount_of(properties)
            if type(amount) in (int, float):
                code = currency(properties) if facts.currency else currency_of(properties)
                code = plan_currency if code is None else code.strip().upper() if type(code) is str else ""
                # An amount in a currency nobody knows must not be counted as if it were another.
                if code not in _CODES or not -MAX_AMOUNT <= amount <= MAX_AMOUNT:
                    return 0, ""
                return to_minor(amount, code), code
        return 0, ""

    def of(properties: dict[str, Any]) -> Facts:
        amount, code = money(properties)
        count = quantity(properties)
        about = subject(properties)
        score = rating(properties)
        return Facts(
            amount,
            code,
            float(count) if type(count) in (int, float) and -MAX_AMOUNT <= count <= MAX_AMOUNT else 0.0,
            subject_of(about),
            float(score) if type(score) in (int, float) and -MAX_AMOUNT <= score <= MAX_AMOUNT else None,
            _name(category(properties)) if facts.category else "",
            _subject_that_adds_up(refund(properties)) if facts.refund else "",
            terms(properties, amount, code) if terms is not None else None,
        )

    return of


def _terms(facts: FactsSpec) -> Callable[[dict[str, Any], int, str], Terms | None] | None:
    """A function from properties, amount and currency to what an event says of a subscription; None if it says nothing.

    What it brings a month is in the currency of the amount.
    """
    if not (facts.ends or facts.interval or facts.seats or facts.mrr):
        return None
    ends, interval, seats, mrr = (
        _first([getter(path) for path in paths]) for paths in (facts.ends, facts.interval, facts.seats, facts.mrr)
    )

    def of(properties: dict[str, Any], amount: int, code: str) -> Terms | None:
        often, people, money = spell_interval(interval(properties)), seats(properties), mrr(properties)
        said = Terms(
            _time(ends(properties)),
            often,
            int(people) if type(people) in (int, float) and 0 <= people <= MAX_AMOUNT else None,
        )
        if code and type(money) in (int, float) and 0 <= money <= MAX_AMOUNT:
            said.mrr = to_minor(money, code)
        elif code and not facts.mrr:
            said.mrr = monthly(amount, often)
        return said if said != _NO_TERMS else None

    return of


def _time(said: Any) -> Number | None:
    """A point in time as a whole second, if it is one; a day is its first moment, UTC."""
    try:
        time = parse_time(said)
    except ValueError:
        return None
    return int(time) if time == int(time) else time


def _subject(about: Any) -> str:
    """An id as text; "" for what can be none: profiles keep the latest subjects."""
    if type(about) is float and about.is_integer():  # a number in a table that was no integer
        about = int(about)
    text = str(about) if type(about) is int else about.strip() if type(about) is str else ""
    return text if len(text) <= _LONGEST else ""


def _subject_that_adds_up(about: Any) -> str:
    """The same; "" also for what stands for none: all orders of a customer would be one."""
    text = _subject(about)
    if not text or (_FIGURE.search(text) and text[0] not in _MARKS):
        return text
    return text if _PLACEHOLDERS.reason(text) is None else ""


def _name(category: Any) -> str:
    """A category as text; "" for what can be none."""
    text = category.strip() if type(category) is str else ""
    return text if len(text) <= _LONGEST_CATEGORY else ""


def currency_path(amount: str, properties: Mapping[str, Property]) -> str:
    """Where the currency of a money property stands: what its `currency` names, or a sibling of that name."""
    *parents, last = amount.split(".")
    siblings: Mapping[str, Property] = properties
    for parent in parents:
        found = siblings.get(parent)
        siblings = (found.properties or {}) if found else {}
    money = siblings.get(last)
    return ".".join([*parents, (money and money.currency) or "currency"])


def getter(path: str) -> Get:
    """What reads the value at a path into objects."""
    *parents, last = path.split(".")
    if not parents:
        return lambda properties: properties.get(last)

    def nested(properties: dict[str, Any]) -> Any:
        node: Any = properties
        for parent in parents:
            node = node.get(parent)
            if type(node) is not dict:
                return None
        return node.get(last)

    return nested


def _summed(path: str) -> Get:
    """The sum over an array; an item that does not say how many is one. None without an array."""
    before, _, after = path.partition("[].")
    array, value = getter(before), getter(after)

    def total(properties: dict[str, Any]) -> Any:
        items = array(properties)
        if type(items) is not list or not items:
            return None
        counts = [value(item) if type(item) is dict else None for item in items]
        return sum(count if type(count) in (int, float) else 1 for count in counts)

    return total


def _most(path: str) -> Get:
    """The value that most items of an array have; of equals, the first in the array. None without any."""
    before, _, after = path.partition("[].")
    array, value = getter(before), getter(after)

    def most(properties: dict[str, Any]) -> Any:
        items = array(properties)
        if type(items) is not list:
            return None
        found = [text for item in items if type(item) is dict and type(text := value(item)) is str and text]
        return Counter(found).most_common(1)[0][0] if len(found) > 2 else found[0] if found else None

    return most


def _first(getters: list[Get]) -> Get:
    if not getters:
        return lambda properties: None
    if len(getters) == 1:
        return getters[0]

    def first(properties: dict[str, Any]) -> Any:
        for get in getters:
            value = get(properties)
            if value is not None:
                return value
        return None

    return first
