"""The texts of the pages and of what sinks are told, with their translations: what a catalogue lacks.

`python -m tests.console.catalogue` brings the catalogues in line with the templates: new texts come in untranslated,
for somebody who writes the language, and those that no page has any more go.
"""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from console.pages.catalogues.asked_words import asked_words, cell_words
from console.pages.catalogues.known_words import WORDS
from console.pages.catalogues.phrases import messages
from console.pages.frame import NAVIGATION
from console.pages.languages import LANGUAGES
from streams.sinks.wording.cards import HEADLINES, NOTICES, OUTCOMES
from streams.sinks.wording.mail_page import FOOT
from streams.sinks.wording.plain import OPEN, OPEN_ALL, WHY
from streams.sinks.wording.suggestions import SUGGESTIONS
from tests import REPOSITORY

__all__ = ["PAGES", "catalogue", "catalogue_of_sinks", "texts", "texts_of_sinks"]

PAGES = REPOSITORY / "console" / "pages"
SINKS = REPOSITORY / "streams" / "sinks"

NAMES = (
    "prospect", "new", "active", "loyal", "at risk", "churned", "won back",
    "low", "medium", "high", "info", "warning", "critical",
)  # fmt: skip
"""Of the models, which cards say: stages, bands, severities."""


def texts() -> Catalog:
    """All that pages say: of the templates, of the navigation, and the words of answers."""
    found = Catalog(charset="utf-8")
    options = {"**.html": {"extensions": "jinja2.ext.i18n", "silent": "false"}}
    for _, _, message, comments, context in extract_from_dir(
        str(PAGES / "templates"), [("**.html", "jinja2.ext:babel_extract")], options
    ):
        found.add(message, auto_comments=comments, context=context)
    for word in (*WORDS, *(place.title for place in NAVIGATION), *messages(), *asked_words(), *cell_words()):
        found.add(word)
    return found


def catalogue(language: str) -> Catalog:
    """The translations of a language."""
    return read_po(io.BytesIO(path(language).read_bytes()), locale=language)


def texts_of_sinks() -> Catalog:
    """All that chats and mails say."""
    found = Catalog(charset="utf-8")
    keywords = {"gettext": None, "ngettext": (1, 2), "say": None}
    for _, _, message, comments, context in extract_from_dir(
        str(SINKS), [("**.py", "python")], keywords=keywords, strip_comment_tags=True
    ):
        found.add(message, auto_comments=comments, context=context)
    for text in (*HEADLINES.values(), *OUTCOMES.values(), *NOTICES.values(), *SUGGESTIONS, *NAMES):
        found.add(text)
    for text in (OPEN, OPEN_ALL, WHY, FOOT):
        found.add(text)
    return found


def catalogue_of_sinks(language: str) -> Catalog:
    """Their translations into a language."""
    return read_po(io.BytesIO((SINKS / "wording" / f"{language}.po").read_bytes()), locale=language)


def path(language: str) -> Path:
    """Where they are."""
    return PAGES / "catalogues" / f"{language}.po"


def main() -> None:
    """Bring every catalogue in line with the templates."""
    for language in LANGUAGES:
        if language == "en":
            continue
        for held, wanted, file in (
            (catalogue(language), texts(), path(language)),
            (catalogue_of_sinks(language), texts_of_sinks(), SINKS / "wording" / f"{language}.po"),
        ):
            created = held.creation_date
            held.update(wanted, no_fuzzy_matching=True)
            held.creation_date = created  # or all who add a text would be at odds about it
            held.obsolete.clear()
            with file.open("wb") as out:
                write_po(out, held, width=120, no_location=True, sort_output=True)


if __name__ == "__main__":
    main()
