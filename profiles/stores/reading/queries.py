"""Profiles in Redis: the reader's side, over all partitions."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from profiles.cases.case_rows import CaseRow
from profiles.documents import decode_profile
from profiles.errors import RapportError
from profiles.search.terms import Found, read_member
from profiles.store import Moves
from profiles.stores.connection import Client
from profiles.stores.indexes import alert_of, case_of
from profiles.stores.keys import SEGMENTS, Keys
from profiles.stores.links import RedisLinkStore
from profiles.stores.reading.paging import BadCursor, Page, Pager
from profiles.stores.reading.together import Together
from profiles.stores.setup import living_workers
from profiles.types import ERASED, Alert, Identity, Profile, is_company, partition_of, profile_id

__all__ = ["RedisReader"]

_FEW = 16  # documents that are read together with what others ask for; more would keep these waiting
_MOST_REDIRECTS = 16  # a chain of merges longer than this is a bug, not a customer


class RedisReader:
    """`profiles.store.Reader` on Redis."""

    def __init__(self, client: Client, namespace: uuid.UUID, partitions: int, together: Together | None = None) -> None:
        self._client = client
        self._together = together or Together(client)
        self._pager = Pager(client)
        self._links = RedisLinkStore(client, self._together)
        self._namespace = namespace
        self._partitions = partitions
        self._case_rows: dict[bytes, CaseRow] = {}  # of the read before: nearly all are as they were

    async def resolve(self, identity: Identity) -> str:
        return await self._links.profile_of(identity) or profile_id(self._namespace, identity)

    async def profile(self, id: str) -> Profile | None:
        return (await self.profiles([id])).get(id)

    async def profiles(self, ids: Sequence[str]) -> dict[str, Profile]:
        asked = {id_: id_ for id_ in ids}  # as it was asked for → where its redirects have led so far
        found: dict[str, Profile] = {}
        for _ in range(_MOST_REDIRECTS):
            documents = await self._documents(asked.values())
            further: dict[str, str] = {}
            for id_, at in asked.items():
                if (document := documents.get(at)) is None:
                    continue
                profile = decode_profile(at, document)
                if not profile.redirect:
                    found[id_] = profile
                elif profile.redirect != ERASED:
                    further[id_] = profile.redirect
            if not further:
                return found
            asked = further
        raise RapportError(f"profile {next(iter(asked))}: more than {_MOST_REDIRECTS} redirects")

    async def by_risk(
        self, *, segment: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[Profile], str | None]:
        sets = [[keys.risk, *([] if segment is None else [keys.segment(segment)])] for keys in self._all_keys()]
        page = await self._pager.page(sets, limit, cursor)
        return await self._living(page), page.following

    async def recent(self, *, limit: int = 50, cursor: str | None = None) -> tuple[list[Profile], str | None]:
        page = await self._pager.page([[keys.recent] for keys in self._all_keys()], limit, cursor)
        return await self._living(page), page.following

    async def companies(self, *, limit: int = 50, cursor: str | None = None) -> tuple[list[Profile], str | None]:
        page = await self._pager.page([[keys.companies_by_time] for keys in self._all_keys()], limit, cursor)
        return await self._living(page), page.following

    async def scan(self, *, limit: int = 1000, cursor: str | None = None) -> tuple[list[Profile], str | None]:
        partition, place = _decode_cursor(cursor, self._partitions)
        found: list[Profile] = []
        while partition < self._partitions and len(found) < limit:
            place, documents = await self._client.hscan(Keys.of(partition).profiles, cursor=place, count=limit)
            # Decoding takes longer than reading: others get their turn.
            found += await asyncio.to_thread(_decode_living, documents)
            partition += place == 0
        return found, f"{partition}.{place}" if partition < self._partitions else None

    async def segment_sizes(self) -> dict[str, int]:
        names = sorted(name.decode() for name in await self._client.smembers(SEGMENTS))
        async with self._client.pipeline(transaction=False) as pipe:
            for name in names:
                for keys in self._all_keys():
                    pipe.zcard(keys.segment(name))
            sizes = await pipe.execute()
        each = self._partitions
        return {name: sum(sizes[place * each : (place + 1) * each]) for place, name in enumerate(names)}

    async def segment_moves(self, days: Sequence[int]) -> dict[str, list[Moves]]:
        async with self._client.pipeline(transaction=False) as pipe:
            for day in days:
                for keys in self._all_keys():
                    pipe.hgetall(keys.moves(day))
            held = await pipe.execute()
        each = self._partitions
        counts: dict[tuple[str, bool], list[int]] = defaultdict(lambda: [0] * len(days))
        for place, day in enumerate(days):
            for found in held[place * each : (place + 1) * each]:
                if found.pop(b"day", None) == b"%d" % day:
                    for field, number in found.items():
                        counts[field[1:].decode(), field[:1] == b"+"][place] += int(number)
        return {
            name: list(map(Moves, counts[name, True], counts[name, False]))
            for name in sorted({name for name, _ in counts})
        }

    async def counters(self, days: Sequence[int]) -> list[dict[str, int]]:
        async with self._client.pipeline(transaction=False) as pipe:
            for day in days:
                for keys in self._all_keys():
                    pipe.hgetall(keys.counters(day))
            held = await pipe.execute()
        each = self._partitions
        answer: list[dict[str, int]] = []
        for place, day in enumerate(days):
            counts: Counter[str] = Counter()
            for found in held[place * each : (place + 1) * each]:
                if found.pop(b"day", None) == b"%d" % day:
                    counts.update({field.decode(): int(number) for field, number in found.items()})
            answer.append(dict(counts))
        return answer

    async def members(
        self, segment: str, *, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[tuple[str, float]], str | None]:
        page = await self._pager.page([[keys.segment(segment)] for keys in self._all_keys()], limit, cursor)
        return [(id_, since) for since, id_ in page.rows], page.following

    async def alerts(
        self, *, state: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[tuple[str, Alert]], str | None]:
        sets = [[keys.alerts_by_time if state is None else keys.alerts_in(state)] for keys in self._all_keys()]
        page = await self._pager.page(sets, limit, cursor)
        rows = await self._held(lambda keys: keys.alerts, page.partitions, (id_ for _, id_ in page.rows))
        found = [alert_of(rows[id_]) for _, id_ in page.rows if id_ in rows]
        # One may have changed between the two looks.
        return [row for row in found if state in (None, row[1].state)], page.following

    async def alert(self, alert: str) -> tuple[str, Alert] | None:
        async with self._client.pipeline(transaction=False) as pipe:
            for keys in self._all_keys():
                pipe.hget(keys.alerts, alert)
            raw = next((raw for raw in await pipe.execute() if raw is not None), None)
        return None if raw is None else alert_of(raw)

    async def find(self, prefixes: Sequence[str], *, limit: int = 50) -> list[list[Found]]:
        begins = [prefix.encode() for prefix in prefixes]
        async with self._client.pipeline(transaction=False) as pipe:
            for begin in begins:
                for keys in self._all_keys():
                    pipe.zrangebylex(keys.search, b"[" + begin, b"(" + begin + b"\xff", 0, limit)
            answers = await pipe.execute() if begins else []
        each = self._partitions
        return [
            [read_member(member.decode()) for answer in answers[at : at + each] for member in answer]
            for at in range(0, len(answers), each)
        ]

    async def cases(self) -> list[CaseRow]:
        async with self._client.pipeline(transaction=False) as pipe:
            for keys in self._all_keys():
                pipe.hvals(keys.cases)
            answers = await pipe.execute()
        known = self._case_rows
        self._case_rows = {row: known.get(row) or case_of(row) for rows in answers for row in rows}
        return list(self._case_rows.values())

    async def cases_done(self, *, limit: int = 50, cursor: str | None = None) -> tuple[list[Profile], str | None]:
        page = await self._pager.page([[keys.cases_done] for keys in self._all_keys()], limit, cursor)
        return await self._living(page), page.following

    async def cases_ended(self, since: float) -> list[tuple[str, float]]:
        async with self._client.pipeline(transaction=False) as pipe:
            for keys in self._all_keys():
                pipe.zrangebyscore(keys.cases_done, since, "+inf", withscores=True)
            return [(id_.decode(), at) for rows in await pipe.execute() for id_, at in rows]

    async def count_cases_done(self) -> int:
        async with self._client.pipeline(transaction=False) as pipe:
            for keys in self._all_keys():
                pipe.zcard(keys.cases_done)
            return sum(await pipe.execute())

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

    def _all_keys(self) -> list[Keys]:
        return [Keys.of(partition) for partition in range(self._partitions)]

    async def _living(self, page: Page) -> list[Profile]:
        """The profiles of a page; who has been merged away or erased since it was read is left out."""
        ids = [id_ for _, id_ in page.rows]
        documents = await self._documents(ids)
        found = (decode_profile(id_, documents[id_]) for id_ in ids if id_ in documents)
        return [profile for profile in found if not profile.redirect]

    async def _documents(self, ids: Iterable[str]) -> dict[str, bytes]:
        partitions = {id_: partition_of(id_, self._partitions) for id_ in ids}
        companies = [id_ for id_ in partitions if is_company(id_)]
        customers = [id_ for id_ in partitions if not is_company(id_)] if companies else partitions
        found = await self._held(lambda keys: keys.profiles, partitions, customers)
        return found | (await self._held(lambda keys: keys.companies, partitions, companies) if companies else {})

    async def _held(
        self, hash_of: Callable[[Keys], str], partitions: Mapping[str, int], names: Iterable[str]
    ) -> dict[str, bytes]:
        """Fields of a hash that every partition has: one command for each partition, one round trip to each node."""
        wanted: defaultdict[int, list[str]] = defaultdict(list)
        for name in names:
            wanted[partitions[name]].append(name)
        if sum(map(len, wanted.values())) <= _FEW:
            few = [self._together.ask("HMGET", hash_of(Keys.of(at)), *fields) for at, fields in wanted.items()]
            answers = [await answer for answer in few]
        else:
            async with self._client.pipeline(transaction=False) as pipe:
                for partition, fields in wanted.items():
                    pipe.hmget(hash_of(Keys.of(partition)), fields)
                answers = await pipe.execute()
        return {
            name: value
            for fields, answer in zip(wanted.values(), answers, strict=True)
            for name, value in zip(fields, answer, strict=True)
            if value is not None
        }


def _decode_living(documents: dict[bytes, bytes]) -> list[Profile]:
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
