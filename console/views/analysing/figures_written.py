"""Values of results as people read them: shares with a decimal, money in whole units, times in two units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from babel.numbers import format_currency, format_decimal, format_percent

from analysis.declaration import Words
from models.conditions.client import DEVICES
from models.segments.builtin import BUILTIN
from profiles.daily.counters import STAGES
from profiles.money import exponent

if TYPE_CHECKING:
    from analysis.declaration import Column

__all__ = ["Written", "title_of"]

_DAY = 86400
_UNITS = {"en": ("d", "h", "min", "s"), "zh": ("天", "小时", "分", "秒")}
_SIZES = (_DAY, 3600, 60, 1)
_WHOLE = 100  # from which on decimals say nothing
_KNOWN = {"en": {"": "–", True: "yes", False: "no"}, "zh": {"": "–", True: "是", False: "否"}}

_PARTS = {
    "stage": Words(tuple(STAGES)),
    "device": Words(DEVICES),
    "segment": Words(tuple(rule.name for rule in BUILTIN)),
}
"""Of which breakdowns the parts are words of Rapport's own."""


class Written:
    """Writes the values of one result.

    Args:
        columns: of it.
        currency: of its money.
        language: as the console names it.
        translate: says words of Rapport's own in it; None: as they are.
        by: what figures are broken down by.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        currency: str,
        language: str = "en",
        translate: Callable[[str], str] | None = None,
        by: str = "",
    ) -> None:
        self._units: Mapping[str, str] = {column.name: column.unit for column in columns}
        self._words = {column.name: column.words for column in columns if column.words is not None}
        if by in _PARTS and "by" in self._units:
            self._words["by"] = _PARTS[by]
        self._translate = translate
        self._currency = currency
        self._language = language
        self._short = "zh" if language.startswith("zh") else "en"

    def __call__(self, value: Any, column: str) -> str:
        """A value of a column; a dash where there is none."""
        if value is None or value == "":
            return "–"
        if isinstance(value, bool):
            return _KNOWN[self._short][value]
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, list | tuple):
            return ", ".join(self(each, column) for each in value)
        if not isinstance(value, int | float | Decimal):
            words = self._words.get(column)
            return str(value) if words is None or self._translate is None else words.said(str(value), self._translate)
        return self._number(value, self._units.get(column, "count"))

    def _number(self, value: float | Decimal, unit: str) -> str:
        if unit == "share":
            return format_percent(value, "#,##0.0%", locale=self._language)
        if unit == "money":
            whole = Decimal(str(value)).scaleb(-exponent(self._currency))
            return format_currency(round(whole), self._currency, "¤#,##0", locale=self._language, currency_digits=False)
        if unit == "seconds":
            return self._duration(float(value))
        if unit == "days":
            return f"{self._decimal(value)} {_UNITS[self._short][0]}"
        if unit == "factor":
            return f"×{format_decimal(round(float(value), 2), locale=self._language)}"
        return self._decimal(value)

    def _decimal(self, value: float | Decimal) -> str:
        size = abs(float(value))
        digits = 0 if size >= _WHOLE else 1 if size >= 1 else 3
        return format_decimal(round(float(value), digits), "#,##0.###", locale=self._language)

    def _duration(self, seconds: float) -> str:
        parts: list[str] = []
        rest = round(abs(seconds))
        for size, name in zip(_SIZES, _UNITS[self._short], strict=True):
            if (count := rest // size) and len(parts) < 2:
                parts.append(f"{count} {name}")
            elif parts:
                break
            rest -= count * size
        text = " ".join(parts) or f"0 {_UNITS[self._short][-1]}"
        return f"−{text}" if seconds < 0 else text


def title_of(name: str) -> str:
    """The name of a parameter as people say it."""
    return name.replace("_", " ").capitalize()
