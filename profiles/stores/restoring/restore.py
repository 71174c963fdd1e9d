"""Writing whole units into an empty Redis: what a rebuild does once all workers have stopped.

Nothing here is one commit. A mark in the setup keeps workers from starting until all of it is there. Every batch stays
within one hash tag.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from profiles.clock import ClockState
from profiles.daily.counters import FIELDS, summed
from profiles.search.terms import members_of
from profiles.store import Loaded
from profiles.stores.clock import RedisClockStore
from profiles.stores.connection import Client
from profiles.stores.indexes import Group, alert_groups, document_groups, entries_of, search_groups
from profiles.stores.keys import (
    CENSUS,
    CLOCK,
    CLOCK_HEADS,
    CLOCK_LATE,
    IDENTITY,
    LEARNER,
    LEARNER_STATE,
    PLAN_RULES,
    PLANS,
    SEGMENTS,
    SETUP,
    WORKERS,
    Keys,
)
from profiles.stores.links import link_groups
from profiles.stores.setup import REBUILDING
from profiles.types import Alert, Profile
from profiles.units import LearnerState, LinkChanges

__all__ = [
    "LEAP", "Document", "begin", "clear", "finish", "forget_late", "held_keys", "write_census_version", "write_clock",
    "write_findings", "write_learner", "write_links", "write_position", "write_profiles",
]  # fmt: skip

_CHUNK = 2000  # arguments of one command
_PARTITION = re.compile(
    rb"\{p\d{3}\}:(meta|profiles|companies|companies:recent|timers|risk|recent|search|alerts|alerts:\w+|cases|cases:done"
    rb"|moves:\d+|counters:\w+|outbox|census|segment:.*)",
    re.DOTALL,
)
_UNITS = re.compile(
    rb"\{(identity|learner|census)\}:(meta|outbox|profiles|map|links|apart|claims|suppressed|lifted|refused|splitting|splits|deferred|state)"
)  # `links` is of format 1
_pack = msgspec.msgpack.Encoder().encode

LEAP = 1 << 20
"""A version grows by so much: a writer that was paused while Redis was lost may know later ones than Kafka does."""

Document = tuple[Profile, bytes]
"""A profile and its document."""


async def held_keys(client: Client) -> AsyncIterator[bytes]:
    """The keys that a rebuild writes, whoever else uses this Redis, and whatever the number of partitions was."""
    async for key in client.scan_iter(count=1000):
        if _PARTITION.fullmatch(key) or _UNITS.fullmatch(key):
            yield key


async def begin(client: Client) -> None:
    """Keep workers from starting until `finish`."""
    await client.hset(SETUP, REBUILDING, 1)


async def clear(client: Client) -> None:
    """Remove what a rebuild writes, and what says how it was: no receipt of an erasure, no source that is paused.

    The clock forgets how far ingest has come, which workers tell again and may be of another log, but not the loads:
    one may be running, and one that has ended keeps the next from turning everybody back.
    """
    batch: list[bytes] = []
    async for key in held_keys(client):
        batch.append(key)
        if len(batch) >= 500:
            await _unlink(client, batch)
            batch = []
    await _unlink(client, batch)
    for name in (SEGMENTS, WORKERS, PLANS, PLAN_RULES, CLOCK.meta, CLOCK_HEADS):
        await client.delete(name)
    if fields := [name for name in await client.hkeys(SETUP) if name != REBUILDING.encode()]:
        await client.hdel(SETUP, *fields)


async def finish(client: Client) -> None:
    """All is there."""
    await client.hdel(SETUP, REBUILDING)


async def write_profiles(client: Client, partition: int, documents: Sequence[Document]) -> None:
    """Documents of a partition and all that the indexes say of them. Each profile once."""
    if not documents:
        return
    keys = Keys.of(partition)
    profiles = [profile for profile, _ in documents]
    by_segment: defaultdict[str, list[Any]] = defaultdict(list)
    alerts: list[tuple[str, Alert]] = []
    for profile in profiles:
        entries = entries_of(profile)
        for name, stay in entries.segments.items():
            by_segment[name] += (stay.since, profile.id)
        alerts += ((profile.id, alert) for alert in entries.alerts)
    groups = document_groups(keys, profiles, {profile.id: document for profile, document in documents})
    groups += alert_groups(keys, alerts)
    groups += search_groups(keys, (member for each in profiles for member in members_of(each.id, each.terms)))
    groups += (("ZADD", keys.segment(name), members) for name, members in by_segment.items())
    await _write(client, groups)
    await _add_to_counters(client, keys, summed(profile.counted for profile in profiles))
    if by_segment:
        await client.sadd(SEGMENTS, *by_segment)


async def _add_to_counters(client: Client, keys: Keys, counted: Mapping[tuple[int, int], int]) -> None:
    """Add what some customers add; nobody else writes. A newer day takes the place of the one that a key is of."""
    by_day: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for (day, place), number in counted.items():
        by_day[day][FIELDS[place]] = number
    for day, counts in sorted(by_day.items()):
        key = keys.counters(day)
        held = int(await client.hget(key, "day") or -2)
        if day > held:
            await client.delete(key)
            await client.hset(key, "day", day)
        if day >= held:
            for name, number in counts.items():
                await client.hincrby(key, name, number)


async def write_position(client: Client, partition: int, position: Loaded, tombstones: int) -> None:
    """How far a partition has come, with the version that its next writer will find."""
    values: dict[str, Any] = {
        "version": position.version,
        "applied": position.applied,
        "watermark": repr(float(position.watermark)),
        "origins": _pack(position.origins),
        "ahead": _pack(position.ahead),
        "arrival_rates": _pack(position.arrival_rates),
    }
    if tombstones:
        values["tombstones"] = tombstones
    await client.hset(Keys.of(partition).meta, mapping=values)


async def write_links(client: Client, changes: LinkChanges) -> None:
    """All that the linker knows. `version` is the one it will find."""
    await _write(client, link_groups(changes))
    values: Mapping[str, Any] = {"version": changes.version, "applied": changes.applied}
    await client.hset(IDENTITY.meta, mapping={**values, "refusals": changes.refusals} if changes.refusals else values)


async def write_learner(client: Client, state: LearnerState) -> None:
    """What the learner knows, the panel and its offset."""
    values: dict[str, Any] = {"version": state.version, "applied": state.applied}
    await client.hset(LEARNER.meta, mapping=values if state.panel is None else {**values, "panel": state.panel})
    if state.parts:
        await client.hset(LEARNER_STATE, mapping=dict(state.parts))


async def write_findings(client: Client, findings: bytes) -> None:
    """What the last census found. The next one begins at once."""
    await client.hset(CENSUS.meta, mapping={"version": LEAP, "round": LEAP, "merged": LEAP, "findings": findings})


async def write_census_version(client: Client, version: int) -> None:
    """The version of what a census has found in a Redis that was filled, rather than restored."""
    await client.hset(CENSUS.meta, mapping={"version": version})


async def write_clock(client: Client, state: ClockState) -> None:
    """Where the clock goes on."""
    await RedisClockStore(client).commit(msgspec.structs.replace(state, version=0, nonce=""))


async def forget_late(client: Client) -> None:
    """Nothing is late any more: all events were taken in order of time."""
    await client.delete(CLOCK_LATE)


async def _write(client: Client, groups: Iterable[Group]) -> None:
    for command, key, values in groups:
        for start in range(0, len(values), _CHUNK):
            await client.execute_command(command, key, *values[start : start + _CHUNK])


async def _unlink(client: Client, keys: Sequence[bytes]) -> None:
    async with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.execute_command("UNLINK", key)  # its own `unlink` is a coroutine on a cluster
        await pipe.execute()
