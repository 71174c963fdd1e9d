"""Finding customers and companies: whole identities by key, then the search index, in time and never many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from plan import Plan
from profiles.search.query import Query, read_query
from profiles.search.terms import KINDS, Found, fold, spelt
from profiles.store import Reader
from profiles.timeline import latest_of_role
from profiles.types import Profile

__all__ = ["AT_ONCE", "COMPANY", "MOST", "PATIENCE", "Finder", "Hit", "Hits"]

COMPANY = "company"
"""Kind of a company's own name, and of what events call it."""

MOST = 50
"""Customers of an answer."""

PATIENCE = 0.2
"""Seconds of a search; then what was found by then is the answer."""

AT_ONCE = 4
"""Searches at a time; others wait, within their patience, so that they keep nobody else from the store."""

_CANDIDATES = 300  # of each partition for each of several words


class Hit(NamedTuple):
    """A customer, and what of theirs was meant."""

    profile: Profile
    kind: str  # name, email, phone, order, ticket, company, or the type of an identity
    value: str  # in clear
    exact: bool  # an identity, found by key


class Hits(NamedTuple):
    """An answer: exact identities first, then whole terms, then their beginnings, each by the latest event."""

    hits: list[Hit]
    more: bool  # than these, or perhaps: the time was over
    timed_out: bool = False


class Finder:
    """Answers queries; one for all who ask."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)
        self._patience = patience

    async def find(self, reader: Reader, plan: Plan, text: str, limit: int = MOST, *, whole: bool = False) -> Hits:
        """The customers whom a query means, as a person typed it.

        Args:
            reader: of the store.
            plan: knows the identities.
            text: name, address, number or id, or the beginning of one; TYPE:VALUE for an identity of a type.
            limit: most customers.
            whole: only those who have all of it, for somebody who may not see what begins so.
        """
        query = read_query(text)
        found: dict[str, Hit] = {}
        if not query.text or "\0" in query.text:
            return Hits([], False)
        more = timed_out = False
        try:
            async with asyncio.timeout(self._patience), self._free:
                by_key = _by_key(reader, plan, query.text, found)
                _, answers = await asyncio.gather(by_key, reader.find(query.prefixes, limit=limit + 1))
                entries = [entry for answer in answers for entry in answer if query.admits(entry)]
                more = await _by_index(reader, plan, query, entries, found, limit, whole)
        except TimeoutError:
            more = timed_out = True
        return Hits(list(found.values())[:limit], more or len(found) > limit, timed_out)


async def _by_key(reader: Reader, plan: Plan, text: str, found: dict[str, Hit]) -> None:
    kind, _, value = text.partition(":")
    types = [rule.type for rule in plan.identities]
    given = [(each, text) for each in types] + ([(kind, value)] if kind in types and value else [])
    identities = [identity for each in given if (identity := plan.identity(*each)) is not None]
    homes = await asyncio.gather(*(reader.resolve(identity) for identity in identities))
    asked = dict(
        zip(homes, zip((identity[0] for identity in identities), (text for _ in homes), strict=True), strict=True)
    )
    if plan.group:
        asked.setdefault(plan.company(text.removeprefix(f"{COMPANY}:")), (COMPANY, text))
    asked.setdefault(text, ("profile_id", text))
    profiles = await reader.profiles(list(asked))
    for id_, (of, shown) in asked.items():
        profile = profiles.get(id_)
        if profile is not None and (of == COMPANY) == (profile.company is not None):
            found.setdefault(profile.id, Hit(profile, of, shown.removeprefix(f"{of}:"), exact=True))


async def _by_index(
    reader: Reader, plan: Plan, query: Query, entries: list[Found], found: dict[str, Hit], limit: int, whole: bool
) -> bool:
    """Adds those of the index, and who has all words; answers whether there are more than fit."""
    if whole:
        entries = [entry for entry in entries if query.is_exact(entry) or KINDS.get(entry.kind) == COMPANY]
    entries.sort(key=lambda entry: (not query.is_exact(entry), entry.text))
    if query.words and not whole and len({entry.profile for entry in entries}) < limit:
        entries += query.of_all(await reader.find(query.words, limit=_CANDIDATES))
    first: dict[str, Found] = {}
    for entry in entries:
        first.setdefault(entry.profile, entry)
    ids = [id_ for id_ in first if id_ not in found][:limit]
    profiles = await reader.profiles(ids)
    living = [(first[id_], profile) for id_ in ids if (profile := profiles.get(id_)) is not None]
    living.sort(key=lambda each: (not query.is_exact(each[0]), -each[1].updated))
    for entry, profile in living:
        kind, value = _as_held(profile, entry, plan)
        found.setdefault(profile.id, Hit(profile, kind, value, exact=False))
    return len(first) > len(ids) + sum(id_ in first for id_ in found if id_ not in ids)


def _as_held(profile: Profile, entry: Found, plan: Plan) -> tuple[str, str]:
    """(kind, what was found as the customer has it)."""
    kind = KINDS.get(entry.kind, "")
    if entry.kind == "i":
        for of in plan.searchable.identities:
            for value in profile.identities.get(of, ()):
                if spelt(value).startswith(entry.text):
                    return of, value
    if entry.kind == "t":
        return kind, _spelt_so(entry.text, (ticket.id for ticket in profile.tickets))
    if entry.kind == "o":
        return kind, _spelt_so(entry.text, (each.about for each in latest_of_role(profile, "purchase")))
    if kind == COMPANY and profile.company is not None:
        key = profile.company.key
        if spelt(key) == entry.text or entry.text in fold(key):
            return kind, key
        return kind, next((value for name in plan.searchable.companies if (value := _text(profile, name))), key)
    return kind, entry.text


def _text(profile: Profile, trait: str) -> str:
    held = profile.traits.get(trait)
    return held[0] if held is not None and isinstance(held[0], str) else ""


def _spelt_so(text: str, values: Iterable[str]) -> str:
    return next((value for value in values if spelt(value).startswith(text)), text)
