"""Profiles in Redis: the reader's side, over all partitions."""

from __future__ import annotations

import asyncio
import base64
import math
import uuid
from collections.abc import Callable, Iterable

import msgspec

from profiles.documents import decode_profile
from profiles.errors import RapportError
from profiles.stores.keys import SEGMENTS, Keys
from profiles.stores.links import LinkStore
from profiles.stores.redis import Client
from profiles.stores.setup import living_workers
from profiles.types import ERASED, Alert, Identity, Profile, partition_of, profile_id

__all__ = ["BadCursor", "RedisReader", "Row", "decode_cursor", "first_rows"]

_MOST_REDIRECTS = 16  # a chain of merges longer than this is a bug, not a customer
_decode_alert = msgspec.msgpack.Decoder(tuple[str, Alert]).decode

Row = tuple[float, str]
"""(score, member) of a sorted set."""


class BadCursor(RapportError):
    """A cursor that no list of ours has answered."""


class RedisReader:
    """`profiles.store.Reader` on Redis."""

    def __init__(self, client: Client, namespace: uuid.UUID, partitions: int) -> None:
        self._client = client
        self._links = LinkStore(client)
        self._namespace = namespace
        self._partitions = partitions

    async def resolve(self, identity: Identity) -> str:
        linked = await self._links.profiles_of([identity])
        return linked.get(identity) or profile_id(self._namespace, identity)

    async def profile(self, id: str) -> Profile | None:
        for _ in range(_MOST_REDIRECTS):
            document = await self._client.hget(self._keys_of(id).profiles, id)
            if document is None:
                return None
            profile = decode_profile(id, document)
            if not profile.redirect:
                return profile
            if profile.redirect == ERASED:
                return None
            id = profile.redirect
        raise RapportError(f"profile {id}: more than {_MOST_REDIRECTS} redirects")

    async def by_risk(
        self, *, segment: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[Profile], str | None]:
        if segment is None:
            rows, following = await self._page(lambda keys: keys.risk, limit, cursor)
        else:
            rows, following = await self._page_of_segment(segment, limit, cursor)
        return await self._profiles(id_ for _, id_ in rows), following

    async def recent(self, *, limit: int = 50, cursor: str | None = None) -> tuple[list[Profile], str | None]:
        rows, following = await self._page(lambda keys: keys.recent, limit, cursor)
        return await self._profiles(id_ for _, id_ in rows), following

    async def scan(self, *, limit: int = 1000, cursor: str | None = None) -> tuple[list[Profile], str | None]:
        partition, place = _decode_cursor(cursor, self._partitions)
        found: list[Profile] = []
        while partition < self._partitions and len(found) < limit:
            place, documents = await self._client.hscan(Keys.of(partition).profiles, cursor=place, count=limit)
            # Decoding takes longer than reading: others get their turn.
            found += await asyncio.to_thread(_living, documents)
            partition += place == 0
        return found, f"{partition}.{place}" if partition < self._partitions else None

    async def segment_sizes(self) -> dict[str, int]:
        names = [name.decode() for name in await self._client.smembers(SEGMENTS)]
        sizes = {}
        for name in sorted(names):
            async with self._client.pipeline(transaction=False) as pipe:
                for keys in self._all_keys():
                    pipe.zcard(keys.segment(name))
                sizes[name] = sum(await pipe.execute())
        return sizes

    async def members(
        self, segment: str, *, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[tuple[str, float]], str | None]:
        rows, following = await self._page(lambda keys: keys.segment(segment), limit, cursor)
        return [(id_, since) for since, id_ in rows], following

    async def alerts(
        self, *, state: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[tuple[str, Alert]], str | None]:
        found: list[tuple[str, Alert]] = []
        while True:
            rows, following = await self._page(lambda keys: keys.alerts_by_time, limit, cursor)
            for row in await self._alerts(rows):
                if state is None or row[1].state == state:
                    found.append(row)
                    if len(found) == limit:
                        after = _encode_cursor((row[1].opened, row[1].id))
                        return found, after if following or row[1].id != rows[-1][1] else None
            if following is None:
                return found, None
            cursor = following

    async def alert(self, alert: str) -> tuple[str, Alert] | None:
        async with self._client.pipeline(transaction=False) as pipe:
            for keys in self._all_keys():
                pipe.hget(keys.alerts, alert)
            raw = next((raw for raw in await pipe.execute() if raw is not None), None)
        return None if raw is None else _decode_alert(raw)

    async def count(self) -> int:
        async with self._client.pipeline(transaction=False) as pipe:
            for keys in self._all_keys():
                pipe.hlen(keys.profiles)
                pipe.hget(keys.meta, "tombstones")
            counts = await pipe.execute()
        return int(sum(counts[::2])) - sum(int(gone or 0) for gone in counts[1::2])

    async def workers(self) -> dict[str, float]:
        return await living_workers(self._client)

    async def ping(self) -> None:
        await self._client.ping()

    async def close(self) -> None:
        await self._client.aclose()

    def _keys_of(self, id_: str) -> Keys:
        return Keys.of(partition_of(id_, self._partitions))

    def _all_keys(self) -> list[Keys]:
        return [Keys.of(partition) for partition in range(self._partitions)]

    async def _page(self, key: Callable[[Keys], str], limit: int, cursor: str | None) -> tuple[list[Row], str | None]:
        """The next rows of a sorted set that is spread over the partitions: highest score first, then member."""
        after = decode_cursor(cursor)
        async with self._client.pipeline(transaction=False) as pipe:
            for keys in self._all_keys():
                if after is None:
                    pipe.zrevrange(key(keys), 0, limit, withscores=True)
                else:
                    pipe.zrevrangebyscore(key(keys), f"({after[0]!r}", "-inf", 0, limit + 1, withscores=True)
                    pipe.zrevrangebyscore(key(keys), repr(after[0]), repr(after[0]), withscores=True)
            answers = await pipe.execute()
        rows = [(score, member.decode()) for answer in answers for member, score in answer]
        return first_rows(rows, limit, after)

    async def _page_of_segment(self, segment: str, limit: int, cursor: str | None) -> tuple[list[Row], str | None]:
        async with self._client.pipeline(transaction=False) as pipe:
            for keys in self._all_keys():
                pipe.zinter({keys.risk: 1, keys.segment(segment): 0}, withscores=True)
            answers = await pipe.execute()
        rows = [(float(score), member.decode()) for answer in answers for member, score in answer]
        return first_rows(rows, limit, decode_cursor(cursor))

    async def _profiles(self, ids: Iterable[str]) -> list[Profile]:
        ids = list(ids)
        async with self._client.pipeline(transaction=False) as pipe:
            for id_ in ids:
                pipe.hget(self._keys_of(id_).profiles, id_)
            found = await pipe.execute()
        return [decode_profile(id_, document) for id_, document in zip(ids, found, strict=True) if document is not None]

    async def _alerts(self, rows: list[Row]) -> list[tuple[str, Alert]]:
        """Alerts by id. Their partition is not in the id, so every partition is asked for all of them."""
        if not rows:
            return []
        ids = [id_ for _, id_ in rows]
        async with self._client.pipeline(transaction=False) as pipe:
            for keys in self._all_keys():
                pipe.hmget(keys.alerts, ids)
            answers = await pipe.execute()
        found = {
            id_: _decode_alert(raw)
            for answer in answers
            for id_, raw in zip(ids, answer, strict=True)
            if raw is not None
        }
        return [found[id_] for id_ in ids if id_ in found]


def first_rows(rows: list[Row], limit: int, after: Row | None) -> tuple[list[Row], str | None]:
    ordered = sorted((row for row in rows if after is None or row < after), reverse=True)
    page = ordered[:limit]
    return page, _encode_cursor(page[-1]) if len(ordered) > limit else None


def _living(documents: dict[bytes, bytes]) -> list[Profile]:
    profiles = (decode_profile(id_.decode(), document) for id_, document in documents.items())
    return [profile for profile in profiles if not profile.redirect]


def _decode_cursor(cursor: str | None, partitions: int) -> tuple[int, int]:
    """(partition, cursor of HSCAN in it); 0 begins a partition."""
    if cursor is None:
        return 0, 0
    partition, _, place = cursor.partition(".")
    if not (partition.isdecimal() and place.isdecimal() and int(partition) < partitions and int(place) < 2**64):
        raise BadCursor("this cursor is not one that a list has answered; leave it out to start again")
    return int(partition), int(place)


def _encode_cursor(row: Row) -> str:
    return base64.urlsafe_b64encode(f"{row[0]!r} {row[1]}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> Row | None:
    if cursor is None:
        return None
    try:
        score, _, member = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(" ")
        row = float(score), member
    except ValueError:
        row = math.nan, ""
    if not math.isfinite(row[0]):
        raise BadCursor("this cursor is not one that a list has answered; leave it out to start again")
    return row
