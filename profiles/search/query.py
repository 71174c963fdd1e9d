"""A query as somebody typed it: what shape it has, and which beginnings of terms it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from profiles.search.terms import Found, backwards, fold, spelt

__all__ = ["LONGEST", "Query", "read_query"]

LONGEST = 200
"""Characters of a query."""

_NUMBER = re.compile(r"\+?[\d\s()./\u00a0-]+")
_TAIL = 9  # a telephone number is looked up by so many of its signs in the index, and compared by all
_SURE = 8  # signs of a number that was kept without its country's code, for one that is asked for with it


@dataclass(frozen=True, slots=True)
class Query:
    """What a query asks the index for."""

    text: str
    prefixes: tuple[str, ...] = ()  # any of them
    words: tuple[str, ...] = ()  # or all of these, where there are several
    phone: str = ""  # as terms have it

    def admits(self, found: Found) -> bool:
        """Whether an entry that begins with a prefix is meant: of telephone numbers, whether the rest agrees."""
        if found.kind != "p" or not self.phone:
            return True
        return found.text.startswith(self.phone) or (len(found.text) >= _SURE and self.phone.startswith(found.text))

    def is_exact(self, found: Found) -> bool:
        """Whether an entry is all that was asked for, not only its beginning."""
        return found.text in self.prefixes or found.text == self.phone

    def of_all(self, answers: Iterable[list[Found]]) -> list[Found]:
        """The entries for the first word, of those profiles that have all words."""
        first, *others = answers
        shared = {found.profile for found in first}.intersection(*({found.profile for found in one} for one in others))
        return [found for found in first if found.profile in shared]


def read_query(text: str) -> Query:
    """The shape of a text tells what it may be: an address, a telephone or another number, else a name or an id."""
    text = text.strip()[:LONGEST]
    exact, folded = spelt(text), fold(text)
    if "@" in exact:
        return Query(text, (exact,))
    if _NUMBER.fullmatch(text):
        phone = backwards(text)
        return Query(text, tuple(filter(None, (exact, phone[:_TAIL]))), phone=phone)
    words = tuple(dict.fromkeys(folded.split()))
    return Query(
        text, tuple(dict.fromkeys(filter(None, (folded, exact)))), words if len(words) > 1 and " " in text else ()
    )
