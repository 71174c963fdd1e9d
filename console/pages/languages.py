"""The languages of the pages: one catalogue a language, in gettext's format, read when it is first asked for."""

from __future__ import annotations

from functools import cache
from gettext import NullTranslations
from importlib.resources import files

from babel import Locale, negotiate_locale
from fastapi import Request

from streams.sinks.wording.translations import translations_of

__all__ = ["COOKIE", "LANGUAGES", "language_of", "locale", "translations"]

LANGUAGES = {"en": "English", "zh_Hans": "简体中文"}
"""By the name of their catalogue: how each calls itself."""

COOKIE = "rapport-language"

_ALIASES = {"zh": "zh_Hans", "zh_CN": "zh_Hans", "zh_SG": "zh_Hans", "zh_Hans_CN": "zh_Hans"}


def language_of(request: Request) -> str:
    """The language that somebody chose, else the first of their browser's that there is, else English."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    wanted = [
        part.partition(";")[0].strip().replace("-", "_")
        for part in request.headers.get("accept-language", "").split(",")[:20]
    ]
    wanted = [_ALIASES.get(each, each) for each in wanted if each]
    return negotiate_locale(wanted, list(LANGUAGES)) or "en"


@cache
def locale(language: str) -> Locale:
    """How a language writes numbers, money and times."""
    return Locale.parse(language)


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language; English is what the pages are written in."""
    file = files("console.pages").joinpath("catalogues", f"{language}.po")
    if language == "en" or not file.is_file():
        return NullTranslations()
    return translations_of(file.read_bytes(), language)
