"""The timeline: the newest events of a profile and the newest of each role, packed one after the other.

Between reading and writing a profile nobody looks at it, so it travels as one run of bytes: each entry is its length
in two bytes and its msgpack. It is unordered and holds up to twice what is shown, and some of each role; then go all
that are neither among the newest nor among the newest of their role. So a sync that says who somebody is a thousand
times pushes no order out. Claimed events, which have no role, have a timeline of their own, so that whoever claims much
pushes nothing else out.
"""

from __future__ import annotations

import zlib
from collections import Counter
from functools import lru_cache

import msgspec
from msgspec.structs import astuple

from profiles.types import Claims, Profile, TimelineEntry, ToldEntry

__all__ = [
    "OF_ROLE",
    "add_entry",
    "kept_entries",
    "latest_events",
    "latest_of_role",
    "mark_of",
    "merge_timelines",
    "pack_entry",
]  # fmt: skip

OF_ROLE = 4
"""How many events of each role stay, however many of others are newer."""

_LONGEST = 65_535  # bytes of an entry

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(ToldEntry).decode


_APART = {"ticket_replied": 2, "stock_alert": 4}  # roles that came later, whose own mark another one has


@lru_cache(maxsize=256)
def mark_of(role: str) -> int:
    """What stands for a role in an entry, in one byte; 0 for none. Two roles that shared one would share their room."""
    return _APART.get(role) or (zlib.crc32(role.encode()) % 124 + 1 if role else 0)


def add_entry(profile: Profile | Claims, entry: TimelineEntry, cap: int) -> None:
    """Take an entry into the timeline."""
    packed = _encode(entry)
    if len(packed) > _LONGEST:
        packed = _encode(msgspec.structs.replace(entry, name=entry.name[:500], about=entry.about[:500]))
    profile.timeline += len(packed).to_bytes(2, "big") + packed
    profile.timeline_count += 1
    if profile.timeline_count > _most(profile, cap):
        _trim(profile, cap)


def pack_entry(entry: ToldEntry) -> bytes:
    """An entry as it is kept, without the fields that nothing is said in."""
    if entry.shown:
        return _encode(entry)
    return _encode(astuple(entry)[: 8 if entry.who else 7])


def latest_events(profile: Profile | Claims, limit: int) -> list[ToldEntry]:
    """So many events, newest first: one half the newest; the other the newest of each role, then the second newest…"""
    entries = [_decode(packed) for packed in _sorted(profile.timeline)]
    chosen = set(range(len(entries))[: (limit + 1) // 2])
    for _, at in sorted((rank, at) for at, rank in enumerate(_ranks(entries))):
        if len(chosen) >= limit:
            break
        chosen.add(at)
    return [entries[at] for at in sorted(chosen)]


def kept_entries(profile: Profile | Claims, cap: int) -> tuple[list[ToldEntry], int]:
    """What stays in any order of arrival, newest first, and how many of those nothing is missing among.

    Args:
        profile: whose.
        cap: how many of the newest a profile shows, or fewer; of each role the newest few stay besides.
    """
    told = [(_decode(packed), packed) for packed in _packed(profile.timeline)]
    told.sort(key=lambda each: (each[0].time, each[1]), reverse=True)
    entries = [entry for entry, _ in told]
    if len(entries) > cap:
        ranks = _ranks(entries)
        entries = [entry for at, entry in enumerate(entries) if at < cap or ranks[at] < OF_ROLE]
    return entries, min(cap, len(entries))


def latest_of_role(profile: Profile, role: str) -> list[ToldEntry]:
    """The newest events of a role that count, newest first; as many as stay in any order of arrival."""
    timeline, mark = profile.timeline, mark_of(role)
    found, at = [], 0
    while at < len(timeline):
        start = at + 2
        at = start + int.from_bytes(timeline[at:start], "big")
        if timeline[at - 1] == mark:  # the last of an entry, and small enough for one byte
            found.append(timeline[start:at])
    entries = sorted(((_decode(packed), packed) for packed in found), key=lambda each: (each[0].time, each[1]))
    return [entry for entry, _ in entries[: -OF_ROLE - 1 : -1]]


def merge_timelines(winner: Profile | Claims, loser: Profile | Claims, cap: int) -> None:
    """Take the loser's timeline into the winner's."""
    winner.timeline += loser.timeline
    winner.timeline_count += loser.timeline_count
    if winner.timeline_count > _most(winner, cap):
        _trim(winner, cap)


def _most(profile: Profile | Claims, cap: int) -> int:
    """How many entries are kept before some go; so many more than then stay that it happens seldom."""
    return 2 * cap + (OF_ROLE * len(profile.roles) if type(profile) is Profile else 0)


def _packed(timeline: bytes) -> list[bytes]:
    """The packed entries, as they came."""
    found, at = [], 0
    while at < len(timeline):
        start = at + 2
        at = start + int.from_bytes(timeline[at:start], "big")
        found.append(timeline[start:at])
    return found


def _sorted(timeline: bytes) -> list[bytes]:
    """The same, newest first."""
    return sorted(_packed(timeline), key=lambda packed: (_decode(packed).time, packed), reverse=True)


def _ranks(entries: list[ToldEntry]) -> list[int]:
    """Of each entry, newest first, how many newer ones there are of its role; OF_ROLE for the others, which may go."""
    newer: Counter[int] = Counter()
    ranks = []
    for entry in entries:
        ranks.append(min(newer[entry.mark], OF_ROLE) if entry.mark else OF_ROLE)
        newer[entry.mark] += 1
    return ranks


def _trim(profile: Profile | Claims, cap: int) -> None:
    newest = _sorted(profile.timeline)
    ranks = _ranks([_decode(packed) for packed in newest])
    kept = [packed for at, packed in enumerate(newest) if at < cap or ranks[at] < OF_ROLE]
    profile.timeline = b"".join(len(packed).to_bytes(2, "big") + packed for packed in kept)
    profile.timeline_count = len(kept)
