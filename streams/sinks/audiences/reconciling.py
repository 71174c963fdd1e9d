"""Audiences against the store, once a day: all customers are looked at, whatever the index of members says."""

from __future__ import annotations

import asyncio
import logging

import msgspec

from profiles.store import Reader
from profiles.types import Profile
from streams.sinks.audiences.audience_writer import AudienceWriter
from streams.sinks.audiences.member_rows import digests
from streams.sinks.audiences.versions import Tables, written

__all__ = ["Checked", "check"]

log = logging.getLogger(__name__)

_SHOWN = 10
_PAGE = 1000


class Checked(msgspec.Struct, frozen=True):
    """What a look at all customers has found of a segment's table; it is as the store is now."""

    segment: str
    version: int
    rows: int
    moved: int = 0  # who entered, left or changed since it was written last: nothing is wrong with them
    missing: int = 0  # who should have been in it, and is now
    extra: int = 0  # who should not have been, and is no more
    differing: int = 0  # of whom something else was told than the store has
    damaged: bool = False  # its file was missing or damaged, and is written anew
    removed: int = 0  # files that were taken away, as the plan does not name the segment any more
    who: list[str] = []  # some of the missing, extra and differing


async def check(writer: AudienceWriter, reader: Reader) -> list[Checked]:
    """Compare all tables with the store, and mend them.

    Each table is first written as at any other time, so that what differs then is no mere move; and what the look at
    all customers finds is asked for again, as they move meanwhile, too.

    Raises:
        RapportError, OSError: as `AudienceWriter.write`.
    """
    first = {segment: await writer.write(segment) for segment in writer.spec.segments}
    should = await _all(writer, reader)
    found = []
    for segment, before in first.items():
        told = await asyncio.to_thread(_table, writer, segment)
        wanted = should[segment]
        unlike = [id_ for id_ in sorted(told.keys() | wanted.keys()) if told.get(id_) != wanted.get(id_)]
        counts = {"missing": 0, "extra": 0, "differing": 0}
        who: list[str] = []
        now = before
        if unlike:
            now = await writer.write(segment)  # what has moved meanwhile is in it as at any other time
            told = await asyncio.to_thread(_table, writer, segment)
            profiles = await _profiles(reader, unlike)
            wrong: list[str] = []
            for id_ in unlike:
                row, _ = writer.judge(id_, profiles.get(id_), segment)
                right = None if row is None else digests(writer.rows.table([row]))[id_]
                if right != told.get(id_):
                    kind = "missing" if id_ not in told else "extra" if right is None else "differing"
                    counts[kind] += 1
                    wrong.append(id_)
            if wrong:
                who = wrong[:_SHOWN]
                log.warning("audience %s was not as the store is: %s; it is mended", segment, counts)
                now = await writer.write(segment, wrong)
        moved = before.entered + before.left + before.changed
        damaged = before.outcome == "anew" and before.version > 1
        found.append(Checked(segment, now.version, now.rows, moved, damaged=damaged, who=who, **counts))
    return [*found, *await asyncio.to_thread(_unnamed, writer)]


async def _all(writer: AudienceWriter, reader: Reader) -> dict[str, dict[str, bytes]]:
    """The digests of the rows of all customers who belong into each table."""
    found: dict[str, dict[str, bytes]] = {segment: {} for segment in writer.spec.segments}
    cursor: str | None = None
    while True:
        profiles, cursor = await reader.scan(limit=_PAGE, cursor=cursor)
        for segment, held in found.items():
            judged = (writer.judge(profile.id, profile, segment)[0] for profile in profiles)
            rows = [row for row in judged if row is not None]
            held.update(digests(await asyncio.to_thread(writer.rows.table, rows)))
        if cursor is None:
            return found


async def _profiles(reader: Reader, ids: list[str]) -> dict[str, Profile]:
    found: dict[str, Profile] = {}
    for at in range(0, len(ids), _PAGE):
        found.update(await reader.profiles(ids[at : at + _PAGE]))
    return found


def _table(writer: AudienceWriter, segment: str) -> dict[str, bytes]:
    tables = Tables(writer.folder, segment)
    version = tables.newest()
    return {} if version is None else digests(tables.read(version))


def _unnamed(writer: AudienceWriter) -> list[Checked]:
    """Take away the tables of segments that the plan names no more: nobody looks after who is in them."""
    gone = [name for name in written(writer.folder) if name not in writer.spec.segments]
    return [Checked(name, 0, 0, removed=Tables(writer.folder, name).remove()) for name in gone]
