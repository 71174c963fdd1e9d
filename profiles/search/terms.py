"""Terms of the search index: what of a customer's name, e-mail, telephone, orders, tickets and ids can be found, and
how companies are called.

A term is a text and its kind. Whoever types the beginning of the text finds it: a name is there once for each of its
words, from that word on ("daan de weber", "de weber", "weber"), an e-mail address also from the later words of its
first part, and a telephone number backwards, because people know its end. The terms follow from a profile's state
alone; the profile keeps those that the index has of it, so that a commit can tell what goes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from profiles.claims import believed_traits
from profiles.timeline import latest_of_role
from profiles.types import Company, Profile, Ticket, is_cell, is_shown

__all__ = [
    "BACKWARDS", "FINDABLE_ROLES", "KINDS", "MOST", "Found", "Searchable", "backwards", "fold", "members_of",
    "read_member", "spelt", "terms_of",
]  # fmt: skip

MOST = 40
"""Terms of a profile."""

KINDS = {"n": "name", "e": "email", "p": "phone", "o": "order", "t": "ticket", "i": "identity", "c": "company"}
"""The letter that stands for a kind in the index."""

FINDABLE_ROLES = frozenset({"purchase", "ticket_opened", "ticket_solved", "ticket_reopened"})
"""Of the events that may change a profile's terms, besides those with traits."""

BACKWARDS = "\x01"
"""Stands before a number that is read from its end: no text begins with it."""

_END = "\0"  # of a term's text in the index
_LONGEST = 64  # characters of a term
_WORDS, _PARTS = 4, 3  # from which a name is found, and an address
_VALUES, _TICKETS = 3, 8  # of a kind; the latest
_APOSTROPHES = dict.fromkeys(map(ord, "'\u2018\u2019\u02bc`\u00b4"))
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th"})
_HAN = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff])")
_NAMES = ("firstName", "lastName", "name")
_BETWEEN = re.compile(r"[._+\-]+")
_DIGITS = re.compile(r"\D+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Searchable:
    """What of a profile is found: traits by the plan's classes, and the identities that it holds plainly.

    Args:
        emails, phones: traits that hold one.
        identities: types that say who somebody is and are not hashed.
        companies: traits of companies that say how one is called, and are nobody's personal data.
    """

    emails: tuple[str, ...] = ("email",)
    phones: tuple[str, ...] = ("phone",)
    identities: tuple[str, ...] = ("user_id",)
    companies: tuple[str, ...] = ()

    def said(self, profile: Profile) -> list[object]:
        """The values of the traits, so that who is told the same again is told apart from who has another name."""
        traits = profile.traits
        return [
            held[0] if (held := traits.get(name)) is not None else None
            for names in (_NAMES, self.emails, self.phones)
            for name in names
        ]


class Found(NamedTuple):
    """An entry of the index."""

    text: str
    kind: str  # a letter of KINDS
    profile: str  # id


def terms_of(profile: Profile, searchable: Searchable) -> str:
    """A profile's terms, a line each, ascending: text, then the letter of its kind; "" for none, as of a tombstone."""
    company = profile.company
    if profile.redirect or (company is not None and (is_cell(profile.id) or not is_shown(profile))):
        return ""
    terms = _terms(profile, searchable) if company is None else _of_company(profile, company, searchable)
    lines = {text[:_LONGEST] + kind for kind, text in terms if text}
    return "\n".join(sorted(lines)[:MOST]) if lines else ""


def members_of(profile: str, terms: str | None) -> list[str]:
    """The members that the index has of a profile."""
    return [f"{line}{profile}" for line in terms.split("\n")] if terms else []


def read_member(member: str) -> Found:
    """What a member of the index says."""
    text, _, rest = member.partition(_END)
    return Found(text, rest[:1], rest[1:])


def _terms(profile: Profile, searchable: Searchable) -> Iterator[tuple[str, str]]:
    """(the end of a text and its kind, text)."""
    traits = believed_traits(profile)
    if traits:
        said = {name: held[0] for name in _NAMES if (held := traits.get(name)) and type(held[0]) is str}
        if said:
            for name in _full_names(said):
                yield from (("\0n", text) for text in _from_each_word(fold(name)))
        for mail in _values(traits, searchable.emails):
            yield from (("\0e", text) for text in _from_each_part(spelt(mail)))
        for phone in _values(traits, searchable.phones):
            yield "\0p", backwards(phone)
    for kind in searchable.identities:
        if values := profile.identities.get(kind):
            yield from (
                ("\0i", spelt(value)) for _, value in sorted((-at, value) for value, at in values.items())[:_VALUES]
            )
    if profile.tickets:
        yield from (("\0t", spelt(ticket.id)) for ticket in sorted(profile.tickets, key=_latest)[-_TICKETS:])
    if "purchase" in profile.roles:
        yield from (("\0o", spelt(entry.about)) for entry in latest_of_role(profile, "purchase"))


def _of_company(profile: Profile, company: Company, searchable: Searchable) -> Iterator[tuple[str, str]]:
    """What events call it, and its name; nothing of what its members did."""
    yield "\0c", spelt(company.key)
    for name in (company.key, *_values(profile.traits, searchable.companies)):
        yield from (("\0c", text) for text in _from_each_word(fold(name)))


def _latest(ticket: Ticket) -> tuple[float, str]:
    return max(ticket.opened, ticket.solved, ticket.reopened), ticket.id


def _full_names(said: dict[str, str]) -> Iterator[str]:
    first, last = said.get("firstName", ""), said.get("lastName", "")
    yield f"{first} {last}"
    if _HAN.search(last):
        yield f"{last} {first}"
    if "name" in said:
        yield said["name"]


def _values(traits: dict[str, tuple[object, float, bytes]], names: Iterable[str]) -> list[str]:
    return [held[0] for name in names if (held := traits.get(name)) and type(held[0]) is str][:_VALUES]


def _from_each_word(name: str) -> Iterator[str]:
    """ "daan weber", "weber"; of signs without spaces between them from each sign."""
    at = 0
    for _ in range(_WORDS):
        yield name[at:]
        if at < len(name) and _HAN.match(name[at]):
            at += 1
        else:
            at = name.find(" ", at) + 1
            if not at:
                return
        while at < len(name) and name[at] == " ":
            at += 1
        if at >= len(name):
            return


def _from_each_part(mail: str) -> Iterator[str]:
    """ "daan.weber@example.com", "weber@example.com"."""
    yield mail
    box = mail.partition("@")[0]
    for sign in list(_BETWEEN.finditer(box))[: _PARTS - 1]:
        if 0 < sign.end() < len(box):
            yield mail[sign.end() :]


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """A name as it is looked for: no case, no accents, words with one space between; Han and kana without any.

    Unicode's compatibility decomposition (NFKD) without the marks, and full case folding; the few letters that have no
    decomposition, such as ø and ł, as people write them without it.
    """
    signs = unicodedata.normalize("NFKD", text[: 4 * _LONGEST]).translate(_APOSTROPHES).casefold().translate(_LETTERS)
    words = " ".join("".join(map(_kept, signs)).split())
    return _joined(words) if _HAN.search(words) else words


def _kept(sign: str) -> str:
    """The sign itself, nothing of an accent or of what nobody sees, and a space of what stands between words."""
    if sign.isalnum():
        return sign
    if unicodedata.combining(sign):
        return ""
    category = unicodedata.category(sign)
    return sign if category in ("Mc", "Mn") else "" if category == "Cf" else " "


def _joined(words: str) -> str:
    """Without the spaces beside signs that are written without."""
    return re.sub(rf"(?<={_HAN.pattern[1:-1]}) | (?={_HAN.pattern[1:-1]})", "", words)


def spelt(text: str) -> str:
    """An address, a number of an order or an id as it is looked for: no case, one spelling of each sign, no gaps."""
    if text.isascii() and text.isprintable() and " " not in text:  # nearly all are, and it takes a tenth
        return text[: 4 * _LONGEST].lower().lstrip("#")
    signs = unicodedata.normalize("NFKC", text[: 4 * _LONGEST]).casefold()
    return "".join(sign for sign in signs if sign.isprintable() and not sign.isspace()).lstrip("#")


def backwards(phone: str) -> str:
    """A telephone number from its end, without what only some dial: no sign, no zeros in front. "" if it is none."""
    digits = _DIGITS.sub("", phone).lstrip("0")
    return BACKWARDS + digits[::-1][:15] if len(digits) >= _LEAST_DIGITS else ""


_LEAST_DIGITS = 3
