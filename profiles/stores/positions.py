"""Which Kafka this Redis has read, and up to where: what must fit together after either was replaced or restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from profiles.stores.connection import Client
from profiles.stores.keys import CLOCK_HEADS, IDENTITY, LEARNER, SETUP, Keys

__all__ = ["EPOCH", "Place", "Read", "note_log", "read_log", "read_positions", "set_positions"]

_LOG = "log:"  # fields of the setup: log:cluster, log:topic:NAME
_decode_marks = msgspec.msgpack.Decoder(dict[str, int]).decode

Place = str
"""A partition of a topic: "topic/3"."""


@dataclass
class Read:
    """Up to which offset Redis has read; -1 for nothing."""

    profiles: dict[int, int] = field(default_factory=dict)  # partition → applied of `profile.events`
    identity: int = -1  # of `identity.links`
    learner: int = -1  # of `training.examples`
    origins: dict[int, dict[Place, int]] = field(default_factory=dict)  # partition → highest origin of each place

    @property
    def highest_origins(self) -> dict[Place, int]:
        """The highest origin of each place that any partition has applied."""
        highest: dict[Place, int] = {}
        for marks in self.origins.values():
            for place, offset in marks.items():
                highest[place] = max(offset, highest.get(place, -1))
        return highest


async def read_log(client: Client) -> dict[str, str]:
    """What was noted of the log: `cluster` and `topic:NAME`, each with Kafka's own id for it."""
    held = await client.hgetall(SETUP)
    return {
        name.decode().removeprefix(_LOG): value.decode()
        for name, value in held.items()
        if name.decode().startswith(_LOG)
    }


async def note_log(client: Client, ids: Mapping[str, str], *, anew: bool = False) -> dict[str, str]:
    """Note the ids of the log where none are noted yet, or all of them; answer what is noted now."""
    for name, id_ in ids.items():
        if anew:
            await client.hset(SETUP, _LOG + name, id_)
        else:
            await client.hsetnx(SETUP, _LOG + name, id_)
    return await read_log(client)


async def read_positions(client: Client, partitions: int) -> Read:
    """Up to where Redis has read everything."""
    read = Read()
    for partition in range(partitions):
        applied, origins = await client.hmget(Keys.of(partition).meta, ["applied", "origins"])
        read.profiles[partition] = _offset(applied)
        read.origins[partition] = _decode_marks(origins) if origins else {}
    read.identity = _offset(await client.hget(IDENTITY.meta, "applied"))
    read.learner = _offset(await client.hget(LEARNER.meta, "applied"))
    return read


async def set_positions(client: Client, read: Read) -> None:
    """Make readers go on elsewhere. No worker may run; one that does all the same is fenced."""
    for partition, applied in read.profiles.items():
        marks = msgspec.msgpack.encode(read.origins.get(partition, {}))
        await _set(client, Keys.of(partition), {"applied": applied, "origins": marks}, "ahead")
    await _set(client, IDENTITY, {"applied": read.identity})
    await _set(client, LEARNER, {"applied": read.learner})
    await client.delete(CLOCK_HEADS)  # offsets of before, which those of another log would never pass


EPOCH = 1 << 32
"""A version grows by so much when a reader is moved: so versions tell offsets of another log from those of this one."""


async def _set(client: Client, keys: Keys, values: Mapping[str, object], *gone: str) -> None:
    async with client.pipeline(transaction=True) as pipe:
        pipe.hincrby(keys.meta, "version", EPOCH)
        pipe.hset(keys.meta, mapping=dict(values))
        for name in gone:
            pipe.hdel(keys.meta, name)
        await pipe.execute()


def _offset(value: bytes | None) -> int:
    return -1 if value is None else int(value)
