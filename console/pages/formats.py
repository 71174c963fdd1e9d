"""How pages write numbers, money, times and what customers themselves have written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from babel import Locale
from babel.dates import TIMEDELTA_UNITS, format_datetime, format_timedelta
from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent
from markupsafe import Markup, escape

from console.pages.catalogues.phrases import phrase
from console.pages.languages import locale as locale_of
from console.views.document import Money
from console.views.timeline import ShownView
from profiles.times import parse_time

__all__ = ["FILTERS", "Formats", "plain"]

_CODE = re.compile(r"`([^`]+)`")
_LONGEST = 200  # characters of what a customer wrote
_KEPT = 16_384  # texts of a kind: a page that is rendered again says nearly all that it said before
_THRESHOLD = 1.2  # of a unit, from which on something is told in it
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")

FILTERS = (
    "number", "compact", "percent", "points", "money", "major", "ago", "when", "said", "told", "phrase", "label",
    "segment", "moment", "coded",
)  # fmt: skip


def plain(text: object) -> str:
    """What a customer wrote, as harmless text: no control characters, no turned line, not endless."""
    shown = str.__str__(text) if isinstance(text, str) else str(text)
    cut = shown[:_LONGEST] + ("…" if len(shown) > _LONGEST else "")
    return cut if cut.isprintable() else "".join(_visible(sign) for sign in cut)


def _visible(sign: str) -> str:
    if sign in _BIDI:
        return "\N{REPLACEMENT CHARACTER}"
    if sign in "\n\t":
        return " "
    if ord(sign) < 0x20:
        return chr(0x2400 + ord(sign))  # ␀ and the like
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign) in {"Cc", "Cs"} else sign


class Formats:
    """The filters of one language."""

    def __init__(self, locale: Locale, translate: Callable[[str], str] = str) -> None:
        self._language = str(locale)
        self._locale = locale
        self._translate = translate

    def number(self, value: float) -> str:
        """As in 1,234 and 1,234.5."""
        return _decimal(round(value, 1), self._language)

    def compact(self, value: float) -> str:
        """As in 1.2M."""
        return format_compact_decimal(value, locale=self._locale, fraction_digits=1)

    def percent(self, share: float | None) -> str:
        """A share from 0 to 1 in whole per cent; a dash where there is none."""
        return "–" if share is None else _percent(share, self._language)

    def points(self, moved: float) -> str:
        """A change of a share, in points with its sign."""
        return f"{round(100 * moved):+d}".replace("-", "−")

    def money(self, amounts: Money | Sequence[Money]) -> str:
        """An amount, or one of each currency."""
        given = [amounts] if isinstance(amounts, Money) else amounts
        return " + ".join(_money(one.amount, one.currency, self._language) for one in given) or "–"

    def major(self, amount: float, currency: str) -> str:
        """A mean of amounts, in whole units of a currency."""
        return format_currency(round(amount), currency, "¤#,##0", locale=self._locale, currency_digits=False)

    def when(self, seconds: float | None) -> Markup:
        """A time to the minute; the browser shows it in its own zone."""
        if seconds is None:
            return Markup("–")
        shown = _moment(seconds, self._language)
        return _time(seconds, shown, "when", shown)

    def moment(self, text: str) -> Markup:
        """A time that an answer spells, as `when`; as it is where it is none."""
        try:
            return self.when(parse_time(text))
        except ValueError:
            return self.said(text)

    def ago(self, seconds: float | None, now: float) -> Markup:
        """How long ago, with the time itself to be looked at; a moment ago for what is yet to come, as in a load."""
        if seconds is None:
            return Markup("–")
        apart = min(seconds - now, -1)  # nothing is "in 0 seconds"
        return _time(seconds, _distance(apart, self._language), "ago", _moment(seconds, self._language))

    @staticmethod
    def said(value: Any) -> Markup:
        """What a customer wrote: text, whatever it says, that turns nothing round and that no script looks into."""
        return Markup(f'<bdi dir="auto" hx-ignore>{escape(plain(value))}</bdi>')

    def phrase(self, text: str) -> str:
        """A sentence of the models in this language."""
        return phrase(text, self._language)

    def told(self, shown: ShownView) -> Markup:
        """A property of an event, in the unit or currency that it is in."""
        value = shown.value
        if isinstance(value, Money):
            return escape(self.money(value))
        if isinstance(value, bool):
            return escape(self._translate("yes") if value else self._translate("no"))
        if isinstance(value, int | float):
            return escape(f"{_decimal(value, self._language)} {shown.unit or ''}".rstrip())
        if shown.type == "date-time":
            with suppress(ValueError):
                return self.when(parse_time(value))
        return self.said(value)

    @staticmethod
    def coded(text: str) -> Markup:
        """What somebody types, between backticks, as code."""
        return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))

    @staticmethod
    def segment(text: str) -> str:
        """As one segment of a path, whatever it holds."""
        return quote(text, safe="")

    def label(self, name: str) -> str:
        """A name of the plan as people say it: `silent_subscriber` is "silent subscriber", or as the language does."""
        words = name.replace("_", " ")
        return self._translate(words) if words else ""


def _time(seconds: float, shown: str, kind: str, title: str) -> Markup:
    at = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    return Markup(f'<time datetime="{at}" class="{kind}" title="{escape(title)} UTC">{escape(shown)}</time>')


@lru_cache(_KEPT)
def _moment(seconds: float, language: str) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC), "medium", tzinfo=UTC, locale=locale_of(language))


def _distance(seconds: float, language: str) -> str:
    for _, unit in TIMEDELTA_UNITS:
        if abs(seconds) / unit >= _THRESHOLD or unit == 1:
            key = seconds > 0, unit, round(abs(seconds) / unit), language
            if (text := _distances.get(key)) is None:
                text = _distances[key] = format_timedelta(
                    timedelta(seconds=seconds), add_direction=True, locale=locale_of(language), threshold=_THRESHOLD,
                    granularity="second",
                )  # fmt: skip
            return text
    raise AssertionError("a second is a unit")


_distances: dict[tuple[bool, int, int, str], str] = {}
"""What was told of a number of units, of which there are some hundreds."""


@lru_cache(_KEPT)
def _decimal(value: float, language: str) -> str:
    return format_decimal(value, locale=locale_of(language))


@lru_cache(_KEPT)
def _percent(share: float, language: str) -> str:
    return format_percent(share, locale=locale_of(language))


@lru_cache(_KEPT)
def _money(amount: str, currency: str, language: str) -> str:
    return format_currency(amount, currency, locale=locale_of(language))
