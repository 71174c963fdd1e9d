"""Reads what a sender has written otherwise than planned and leaves no doubt: amounts as text, currencies in any case.

Shops written in PHP send numbers as text, exports have `€ 1.234,50`, a list of one product is an object. Only what is
not as planned comes here, so most events cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plan.model import Property
from profiles.identity.spelling import EXACT
from profiles.money import Amount, read_amount, read_currency

__all__ = ["Reader", "reader_of"]

_NUMBERS = ("money", "number", "integer")


class Reader:
    """Reads the properties of an object. Built once from a plan.

    Args:
        properties: that can be read.
        planned: all of the object.
        own: the plan's currency, which an ambiguous sign stands for.
    """

    __slots__ = ("_own", "_planned", "_properties")

    def __init__(self, properties: Mapping[str, Property | Reader], planned: Mapping[str, Property], own: str) -> None:
        self._properties = properties
        self._planned = planned
        self._own = own

    def read(self, value: Any) -> Any:
        """The object with what could be read; itself if there is nothing. The argument is not changed."""
        if type(value) is not dict:
            return value
        changed: dict[str, Any] = {}
        for name, how in self._properties.items():
            old = value.get(name)
            if old is None:
                continue
            prop = self._planned[name]
            if isinstance(how, Reader):
                new = how._inside(old, prop)
            elif prop.type == "money" and type(old) is str:
                new = self._money(old, prop, value, changed)
            else:
                new = self._simple(old, prop)
            if new is not old:
                changed[name] = new
        return {**value, **changed} if changed else value

    def _money(self, old: str, prop: Property, value: Mapping[str, Any], changed: dict[str, Any]) -> Any:
        amount = _amount(old, self._own)
        if amount is None:
            return old
        beside = prop.currency or "currency"
        if amount.currency and value.get(beside) in (None, ""):
            if beside in self._planned:
                changed[beside] = amount.currency
            elif amount.currency != self._own:
                return old  # there is no place to say so, and it must not count as the plan's
        return amount.value

    def _simple(self, old: Any, prop: Property) -> Any:
        if prop.format == "currency":
            code = read_currency(old, self._own)
            return code if code is not None and code != old else None if _is_blank(old) else old
        if prop.type == "id":
            return repr(old) if type(old) is float and not old.is_integer() else old
        if type(old) is not str:
            return old
        amount = _amount(old, "")
        if amount is None or amount.currency or (prop.type == "integer" and amount.value != int(amount.value)):
            return None if _is_blank(old) else old
        return int(amount.value) if prop.type == "integer" else amount.value

    def _inside(self, old: Any, prop: Property) -> Any:
        if prop.type == "object":
            return {} if old == [] else self.read(old)  # PHP writes an empty map so
        if type(old) is dict:  # a list of one; or one with holes, as PHP writes it
            old = list(old.values()) if old and all(map(str.isdigit, old)) else [old]
        if type(old) is not list:
            return old
        new = [self.read(item) for item in old]
        return old if all(map(_is, new, old)) else new


def reader_of(properties: Mapping[str, Property], own: str) -> Reader | None:
    """The reader of an object's properties; None if none of them can be read."""
    found: dict[str, Property | Reader] = {}
    for name, prop in properties.items():
        if prop.type in _NUMBERS or prop.type == "id" or prop.format == "currency":
            found[name] = prop
        else:
            inner = prop.items.properties if prop.items is not None else prop.properties
            reader = reader_of(inner, own) if inner else None
            if reader is None and prop.type == "object":
                reader = Reader({}, {}, own)
            if reader is not None:
                found[name] = reader
    return Reader(found, properties, own) if found else None


def _amount(written: str, own: str) -> Amount | None:
    """An amount as text; None from EXACT on: what follows has 64 bits, and in floating point it would be another."""
    amount = read_amount(written, own)
    return amount if amount is not None and -EXACT < amount.value < EXACT else None


def _is_blank(value: Any) -> bool:
    return type(value) is str and not value.strip()


def _is(one: Any, other: Any) -> bool:
    return one is other
