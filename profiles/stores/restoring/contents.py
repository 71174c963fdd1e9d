"""What Redis holds of a unit, flat, so that it can be compared with what it should hold.

Each entry is named by (kind, name): ("document", profile id) → a digest, ("timer", profile id) → when, ("segment VIP",
profile id) → since when, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from profiles.daily.counters import FIELDS, NOW, RING
from profiles.search.terms import members_of
from profiles.stores.connection import Client
from profiles.stores.indexes import alert_row, entries_of
from profiles.stores.keys import ALERT_STATES, IDENTITY, SEGMENTS, Keys
from profiles.stores.links import link_groups
from profiles.types import Profile, is_company
from profiles.units import LinkChanges

__all__ = [
    "RECENT_KIND", "Contents", "Entry", "expected_counters", "expected_links", "expected_of", "held_by_links",
    "held_by_partition", "held_counters",
]  # fmt: skip

Entry = tuple[str, str]
Contents = dict[Entry, object]

RECENT_KIND = "recent"
"""The index that holds only some: each entry must be right, none must be there."""

_DOCUMENT, _TIMER, _RISK, _ALERT, _ALERT_TIME = "document", "timer", "risk", "alert", "alert time"
_COMPANY_TIME, _SEARCH, _CASE, _CASE_ENDED = "company time", "search", "case", "case ended"


def expected_of(profile: Profile, document: bytes) -> Iterator[tuple[Entry, object]]:
    """What there must be because of a document."""
    id_, entries = profile.id, entries_of(profile)
    yield (_DOCUMENT, id_), _digest(document)
    if entries.timer:
        yield (_TIMER, id_), float(entries.timer)
    if entries.risk is not None:
        yield (_RISK, id_), entries.risk
    if entries.recent is not None:
        yield (_COMPANY_TIME if is_company(id_) else RECENT_KIND, id_), entries.recent
    if entries.case is not None:
        yield (_CASE, id_), _digest(entries.case)
    if entries.case_ended is not None:
        yield (_CASE_ENDED, id_), entries.case_ended
    for name, stay in entries.segments.items():
        yield (_segment(name), id_), stay.since
    for member in members_of(id_, profile.terms):
        yield (_SEARCH, member), 0.0
    for alert in entries.alerts:
        yield (_ALERT, alert.id), _digest(alert_row(id_, alert))
        yield (_ALERT_TIME, alert.id), alert.opened
        yield (_alerts(alert.state), alert.id), alert.opened


async def held_by_partition(client: Client, partition: int) -> Contents:
    """All documents and index entries of a partition."""
    keys = Keys.of(partition)
    held: Contents = {}
    hashes = (
        (_DOCUMENT, keys.profiles), (_DOCUMENT, keys.companies), (_ALERT, keys.alerts), (_CASE, keys.cases),
    )  # fmt: skip
    for kind, key in hashes:
        async for name, value in client.hscan_iter(key, count=1000):
            held[kind, name.decode()] = _digest(value)
    sets = {_TIMER: keys.timers, _RISK: keys.risk, RECENT_KIND: keys.recent, _ALERT_TIME: keys.alerts_by_time}
    sets |= {_COMPANY_TIME: keys.companies_by_time, _SEARCH: keys.search, _CASE_ENDED: keys.cases_done}
    sets |= {_alerts(state): keys.alerts_in(state) for state in ALERT_STATES}
    sets |= {_segment(name): keys.segment(name) for name in [n.decode() for n in await client.smembers(SEGMENTS)]}
    for kind, key in sets.items():
        async for name, score in client.zscan_iter(key, count=1000):
            held[kind, name.decode()] = float(score)
    tombstones = await client.hget(keys.meta, "tombstones")
    held["tombstones", ""] = int(tombstones or 0)
    return held


async def held_counters(client: Client, partition: int) -> dict[int, dict[str, int]]:
    """The counters of a partition by local day, those that are 0 left out."""
    keys, held = Keys.of(partition), dict[int, dict[str, int]]()
    for key in [keys.counters(day) for day in (NOW, *range(RING))]:
        if found := {name.decode(): int(number) for name, number in (await client.hgetall(key)).items()}:
            day = found.pop("day")
            held[day] = {name: number for name, number in found.items() if number}
    return held


def expected_counters(counted: Mapping[tuple[int, int], int], days: Iterable[int]) -> dict[int, dict[str, int]]:
    """What the counters of some days must be, by what all customers of a partition add."""
    wanted: dict[int, dict[str, int]] = {day: {} for day in days}
    for (day, place), number in counted.items():
        if number and day in wanted:
            wanted[day][FIELDS[place]] = number
    return wanted


def expected_links(changes: LinkChanges) -> Contents:
    """What the linker must hold."""
    return {
        (_kind(key), _text(name)): _digest(_bytes(value))
        for command, key, values in link_groups(changes)
        if command == "HSET" and key != IDENTITY.meta
        for name, value in _pairs(values)
    }


async def held_by_links(client: Client) -> Contents:
    """What the linker holds."""
    held: Contents = {}
    for kind in (
        "map",
        "profiles",
        "apart",
        "claims",
        "suppressed",
        "lifted",
        "splitting",
        "refused",
        "splits",
        "deferred",
    ):
        async for name, value in client.hscan_iter(f"{IDENTITY.tag}:{kind}", count=1000):
            held[kind, name.decode()] = _digest(value)
    return held


def _kind(key: str) -> str:
    return key.rpartition(":")[2]


def _alerts(state: str) -> str:
    return f"alerts {state}"


def _segment(name: str) -> str:
    return f"segment {name}"


def _pairs(values: list[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(values[::2], values[1::2], strict=True)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _digest(value: bytes) -> bytes:
    return blake2b(value, digest_size=12).digest()
