"""The timeline: the newest events of a profile, packed one after the other.

Between reading and writing a profile nobody looks at it, so it travels as one run of bytes: each entry is its length
in two bytes and its msgpack. It is unordered and holds up to twice what is shown; then all but the newest go. Claimed
events have one of their own, so that whoever claims much pushes nothing else out.
"""

from __future__ import annotations

import msgspec

from profiles.types import Claims, Profile, TimelineEntry

__all__ = ["add_entry", "latest_events", "merge_timelines"]

_LONGEST = 65_535  # bytes of an entry

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(TimelineEntry).decode


def add_entry(profile: Profile | Claims, entry: TimelineEntry, cap: int) -> None:
    """Take an entry into the timeline."""
    packed = _encode(entry)
    if len(packed) > _LONGEST:
        packed = _encode(msgspec.structs.replace(entry, name=entry.name[:500], about=entry.about[:500]))
    profile.timeline += len(packed).to_bytes(2, "big") + packed
    profile.timeline_count += 1
    if profile.timeline_count > 2 * cap:
        _trim(profile, cap)


def latest_events(profile: Profile | Claims, limit: int) -> list[TimelineEntry]:
    """The newest events, newest first."""
    newest = sorted(_entries(profile.timeline), key=_newest, reverse=True)[:limit]
    return [_decode(packed) for packed in newest]


def merge_timelines(winner: Profile | Claims, loser: Profile | Claims, cap: int) -> None:
    """Take the loser's timeline into the winner's."""
    winner.timeline += loser.timeline
    winner.timeline_count += loser.timeline_count
    if winner.timeline_count > 2 * cap:
        _trim(winner, cap)


def _entries(timeline: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(timeline):
        start = at + 2
        at = start + int.from_bytes(timeline[at:start], "big")
        found.append(timeline[start:at])
    return found


def _newest(packed: bytes) -> tuple[float, bytes]:
    return _decode(packed).time, packed


def _trim(profile: Profile | Claims, cap: int) -> None:
    newest = sorted(_entries(profile.timeline), key=_newest)[-cap:]
    profile.timeline = b"".join(len(packed).to_bytes(2, "big") + packed for packed in newest)
    profile.timeline_count = len(newest)
