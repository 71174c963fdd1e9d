"""The words of one language: texts of the catalogue here, numbers, money and times as the language writes them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from gettext import NullTranslations
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import format_currency, format_decimal, format_percent

from profiles.money import exponent
from streams.sinks.wording.translations import translations_of

__all__ = ["LANGUAGES", "Words", "words_of"]

LANGUAGES = {"en": "en", "zh-Hans": "zh_Hans"}
"""As a plan names them; as catalogues and locales are called."""


class Words:
    """How a language says what cards say.

    Args:
        language: as a plan names it.
    """

    def __init__(self, language: str) -> None:
        name = LANGUAGES[language]
        self.language = language
        self._locale = Locale.parse(name)
        file = files("streams.sinks.wording").joinpath(f"{name}.po")
        self._said = translations_of(file.read_bytes(), name) if file.is_file() else NullTranslations()

    def gettext(self, text: str, **parts: Any) -> str:
        """A text with its parts filled in."""
        said = self._said.gettext(text) if text else ""  # "" is the catalogue's own head
        return said % parts if parts else said

    def ngettext(self, one: str, several: str, number: int, **parts: Any) -> str:
        """The same of a number of things, which is the part `num`."""
        return self._said.ngettext(one, several, number) % {"num": self.number(number), **parts}

    def number(self, value: int) -> str:
        """As in 1,234."""
        return format_decimal(value, locale=self._locale)

    def label(self, name: str) -> str:
        """A name of a plan or of the models in words: `at_risk`."""
        return self.gettext(name.replace("_", " "))

    def money(self, minor: int, currency: str) -> str:
        """An amount of minor units."""
        return format_currency(Decimal(minor).scaleb(-exponent(currency)), currency, locale=self._locale)

    def percent(self, share: float) -> str:
        """A share from 0 to 1, in whole per cent."""
        return format_percent(share, "#,##0%", locale=self._locale)

    def when(self, time: str, zone: str) -> str:
        """A time as messages spell it, to the minute in a time zone."""
        moment = datetime.fromisoformat(time)
        return f"{format_datetime(moment, 'medium', tzinfo=ZoneInfo(zone), locale=self._locale)} {zone}"


@cache
def words_of(language: str) -> Words:
    """The words of a language; English where there are none."""
    return Words(language if language in LANGUAGES else "en")
