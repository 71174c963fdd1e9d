"""Profiles in memory: `Store` and `Reader` in one, for tests and experiments. Nothing outlives the process."""

from __future__ import annotations

import copy
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from profiles.cases.case_rows import CaseRow, case_row, ended_at
from profiles.daily.counters import FIELDS, NOW, RING
from profiles.documents import decode_profile
from profiles.errors import Fenced
from profiles.search.terms import Found, read_member
from profiles.store import ArrivalRate, Changes, Loaded, Moves, Output, Standing
from profiles.stores.keys import DAYS_KEPT
from profiles.stores.memory.links import MemoryLinkStore
from profiles.stores.reading.paging import Row, decode_cursor, first_rows
from profiles.types import ERASED, Alert, Identity, Profile, is_cell, is_company, is_shown, partition_of, profile_id

__all__ = ["MemoryStore"]


@dataclass(slots=True)
class _Partition:
    version: int = 0
    nonce: str = ""
    applied: int = -1
    watermark: float = 0.0
    origins: dict[str, int] = field(default_factory=dict)
    ahead: dict[str, int] = field(default_factory=dict)
    arrival_rates: dict[str, ArrivalRate] = field(default_factory=dict)
    told: dict[str, int] | None = None
    documents: dict[str, bytes] = field(default_factory=dict)
    scheduled_at: dict[str, float] = field(default_factory=dict)
    segments: dict[str, dict[str, float]] = field(default_factory=dict)
    moves: dict[int, Counter[tuple[str, bool]]] = field(default_factory=dict)  # by day
    alerts: dict[str, tuple[str, Alert]] = field(default_factory=dict)
    search: set[str] = field(default_factory=set)
    counters: dict[int, Counter[int]] = field(default_factory=dict)  # by local day
    outbox: list[tuple[int, list[Output]]] = field(default_factory=list)

    def add_to_counters(self, counted: Mapping[tuple[int, int], int]) -> None:
        """Change the counters of days, each of which takes the place of the one eight days before."""
        for (day, place), number in sorted(counted.items()):
            ring = [one for one in self.counters if one % RING == day % RING and NOW not in (one, day)]
            newest = max(ring, default=day)
            if number and day > newest:
                del self.counters[newest]
            if number and day >= newest:
                self.counters.setdefault(day, Counter())[place] += number


def _count_moves(held: dict[int, Counter[tuple[str, bool]]], moved: Mapping[tuple[int, str, bool], int]) -> None:
    """Count what happened on days, each in the place of the one 32 days before."""
    for (day, segment, entered), number in moved.items():
        newest = max((one for one in held if one % DAYS_KEPT == day % DAYS_KEPT), default=day)
        if day > newest:
            del held[newest]
        if day >= newest:
            held.setdefault(day, Counter())[segment, entered] += number


class MemoryStore:
    """Keeps encoded documents, so that what was read is never what is held."""

    def __init__(self, namespace: uuid.UUID, partitions: int, links: MemoryLinkStore | None = None) -> None:
        self._namespace = namespace
        self._partitions = [_Partition() for _ in range(partitions)]
        self._names: set[str] = set()
        self._links = links or MemoryLinkStore()

    def partition(self, number: int) -> _Partition:
        """What a partition holds."""
        return self._partitions[number]

    def living(self, number: int) -> int:
        """How many profiles a partition holds, tombstones left out."""
        return sum(not decode_profile(id_, document).redirect for id_, document in self.customers(number))

    def customers(self, number: int) -> list[tuple[str, bytes]]:
        """(id, document) of a partition's profiles, without companies."""
        return [item for item in self._partitions[number].documents.items() if not is_company(item[0])]

    async def load(
        self, partition: int, ids: Sequence[str], *, due_by: float | None = None, limit: int = 1000
    ) -> Loaded:
        held = self._partitions[partition]
        due: list[tuple[str, float]] = []
        if due_by is not None:
            ordered = sorted((when, id_) for id_, when in held.scheduled_at.items() if when <= due_by)
            due = [(id_, when) for when, id_ in ordered[:limit]]
        profiles = await self.fetch(partition, [*ids, *(id_ for id_, _ in due)])
        origins, ahead = dict(held.origins), dict(held.ahead)
        arrival_rates = copy.deepcopy(held.arrival_rates)
        return Loaded(
            held.version, held.applied, held.watermark, due, profiles, origins, ahead, arrival_rates, held.nonce
        )

    async def load_many(
        self, wanted: Sequence[tuple[int, Sequence[str], float | None]], *, limit: int = 1000
    ) -> list[Loaded]:
        return [await self.load(partition, ids, due_by=due_by, limit=limit) for partition, ids, due_by in wanted]

    async def fetch(self, partition: int, ids: Sequence[str]) -> dict[str, Profile]:
        documents = self._partitions[partition].documents
        return {id_: decode_profile(id_, documents[id_]) for id_ in ids if id_ in documents}

    async def commit(self, partition: int, changes: Changes) -> int:
        held = self._partitions[partition]
        if held.nonce == changes.own_nonce:
            return held.version
        if changes.version != held.version or changes.nonce not in (None, held.nonce):
            raise Fenced(f"partition {partition} is no longer as it was at version {changes.version}")
        held.version += 1
        held.nonce = changes.own_nonce
        if changes.applied is not None:
            held.applied = changes.applied
        held.watermark = changes.watermark
        held.origins, held.ahead = dict(changes.origins), dict(changes.ahead)
        held.arrival_rates = copy.deepcopy(changes.arrival_rates)
        held.told = dict(changes.told) or held.told
        held.outbox = [entry for entry in held.outbox if entry[0] > changes.produced]
        if changes.outputs:
            held.outbox.append((held.version, list(changes.outputs)))
        for profile in changes.profiles:
            held.documents[profile.id] = changes.documents[profile.id]
            held.scheduled_at.pop(profile.id, None)
            if profile.scheduled_at:
                held.scheduled_at[profile.id] = profile.scheduled_at
        for id_ in changes.removed:
            held.documents.pop(id_, None)
            held.scheduled_at.pop(id_, None)
        for segment, id_, since in changes.entered:
            held.segments.setdefault(segment, {})[id_] = since
            self._names.add(segment)
        for segment, id_ in changes.left:
            held.segments.get(segment, {}).pop(id_, None)
        _count_moves(held.moves, changes.moved)
        held.add_to_counters(changes.counted)
        held.search.difference_update(changes.unfound)
        held.search.update(changes.found)
        for gone in changes.alerts_gone:
            held.alerts.pop(gone, None)
        for id_, alert in changes.alerts:
            held.alerts[alert.id] = (id_, alert)
        return held.version

    async def commit_many(self, batch: Sequence[tuple[int, Changes]]) -> list[int | Exception]:
        answers: list[int | Exception] = []
        for partition, changes in batch:
            try:
                answers.append(await self.commit(partition, changes))
            except Fenced as fenced:
                answers.append(fenced)
        return answers

    async def applied(self, partitions: Iterable[int]) -> dict[int, int]:
        return {partition: self._partitions[partition].applied for partition in partitions}

    async def told(self, partition: int) -> dict[str, int] | None:
        held = self._partitions[partition].told
        return None if held is None else dict(held)

    async def standing(self, partitions: Iterable[int]) -> dict[int, Standing]:
        found: dict[int, Standing] = {}
        for number in partitions:
            held = self._partitions[number]
            due = min(held.scheduled_at.values(), default=0.0)
            rates = copy.deepcopy(held.arrival_rates)
            found[number] = Standing(held.version, held.applied, held.watermark, bool(held.outbox), due, rates)
        return found

    async def with_open_alerts(self, partition: int) -> list[str]:
        return sorted({id_ for id_, alert in self._partitions[partition].alerts.values() if alert.state == "open"})

    async def outbox(self, partition: int) -> list[tuple[int, list[Output]]]:
        return list(self._partitions[partition].outbox)

    async def clear_outbox(self, partition: int, up_to: int) -> None:
        held = self._partitions[partition]
        held.outbox = [entry for entry in held.outbox if entry[0] > up_to]

    async def resolve(self, identity: Identity) -> str:
        linked = await self._links.profiles_of([identity])
        return linked.get(identity) or profile_id(self._namespace, identity)

    async def profile(self, id: str) -> Profile | None:
        return (await self.profiles([id])).get(id)

    async def profiles(self, ids: Sequence[str]) -> dict[str, Profile]:
        return {id_: found for id_ in ids if (found := await self._follow(id_)) is not None}

    async def by_risk(
        self, *, segment: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[Profile], str | None]:
        rows = [
            (profile.score.risk, profile.id)
            for profile in self._all()
            if profile.score is not None and (segment is None or segment in profile.segments)
        ]
        return await self._page(rows, limit, cursor)

    async def recent(self, *, limit: int = 50, cursor: str | None = None) -> tuple[list[Profile], str | None]:
        return await self._page([(profile.updated, profile.id) for profile in self._all()], limit, cursor)

    async def companies(self, *, limit: int = 50, cursor: str | None = None) -> tuple[list[Profile], str | None]:
        return await self._page([(one.updated, one.id) for one in self._firms()], limit, cursor)

    async def scan(self, *, limit: int = 1000, cursor: str | None = None) -> tuple[list[Profile], str | None]:
        rows = [(0.0, profile.id) for profile in self._all()]
        return await self._page(rows, limit, cursor)

    async def segment_sizes(self) -> dict[str, int]:
        return {
            name: sum(len(held.segments.get(name, ())) for held in self._partitions) for name in sorted(self._names)
        }

    async def segment_moves(self, days: Sequence[int]) -> dict[str, list[Moves]]:
        summed = {day: Counter[tuple[str, bool]]() for day in days}
        for held in self._partitions:
            for day in summed.keys() & held.moves.keys():
                summed[day].update(held.moves[day])
        names = sorted({name for counts in summed.values() for name, _ in counts})
        return {name: [Moves(counts[name, True], counts[name, False]) for counts in summed.values()] for name in names}

    async def counters(self, days: Sequence[int]) -> list[dict[str, int]]:
        answer: list[dict[str, int]] = []
        for day in days:
            counts: Counter[str] = Counter()
            for held in self._partitions:
                counts.update({FIELDS[place]: number for place, number in held.counters.get(day, {}).items()})
            answer.append(dict(counts))
        return answer

    async def members(
        self, segment: str, *, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[tuple[str, float]], str | None]:
        rows = [(since, id_) for held in self._partitions for id_, since in held.segments.get(segment, {}).items()]
        page, following = first_rows(rows, limit, decode_cursor(cursor))
        return [(id_, since) for since, id_ in page], following

    async def alerts(
        self, *, state: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[tuple[str, Alert]], str | None]:
        found = {
            alert.id: (id_, alert)
            for held in self._partitions
            for id_, alert in held.alerts.values()
            if state is None or alert.state == state
        }
        rows = [(alert.opened, alert.id) for _, alert in found.values()]
        page, following = first_rows(rows, limit, decode_cursor(cursor))
        return [found[id_] for _, id_ in page], following

    async def alert(self, alert: str) -> tuple[str, Alert] | None:
        return next((held.alerts[alert] for held in self._partitions if alert in held.alerts), None)

    async def find(self, prefixes: Sequence[str], *, limit: int = 50) -> list[list[Found]]:
        return [
            [
                read_member(member)
                for held in self._partitions
                for member in sorted((one for one in held.search if one.startswith(prefix)), key=str.encode)[:limit]
            ]
            for prefix in prefixes
        ]

    async def cases(self) -> list[CaseRow]:
        return [row for profile in self._with_cases() if (row := case_row(profile)) is not None]

    async def cases_done(self, *, limit: int = 50, cursor: str | None = None) -> tuple[list[Profile], str | None]:
        rows = [(at, profile.id) for profile in self._with_cases() if (at := ended_at(profile)) is not None]
        return await self._page(rows, limit, cursor)

    async def cases_ended(self, since: float) -> list[tuple[str, float]]:
        ends = ((profile.id, ended_at(profile)) for profile in self._with_cases())
        return [(id_, at) for id_, at in ends if at is not None and at >= since]

    async def count_cases_done(self) -> int:
        return sum(ended_at(profile) is not None for profile in self._with_cases())

    async def count(self) -> int:
        return len(self._all())

    async def workers(self) -> dict[str, float]:
        return {}

    async def ping(self) -> None:
        """Memory always answers."""

    async def close(self) -> None:
        """Nothing to release."""

    async def _follow(self, id_: str) -> Profile | None:
        while True:
            found = (await self.fetch(partition_of(id_, len(self._partitions)), [id_])).get(id_)
            if found is None or not found.redirect:
                return found
            if found.redirect == ERASED:
                return None
            id_ = found.redirect

    def _all(self) -> list[Profile]:
        everybody = range(len(self._partitions))
        profiles = (decode_profile(*item) for number in everybody for item in self.customers(number))
        return [profile for profile in profiles if not profile.redirect]

    def _firms(self) -> list[Profile]:
        """The companies that are looked at by themselves."""
        held = (decode_profile(*item) for part in self._partitions for item in part.documents.items())
        return [one for one in held if is_company(one.id) and not is_cell(one.id) and is_shown(one)]

    def _with_cases(self) -> list[Profile]:
        """Whoever may have a case."""
        return [*self._all(), *self._firms()]

    async def _page(self, rows: list[Row], limit: int, cursor: str | None) -> tuple[list[Profile], str | None]:
        page, following = first_rows(rows, limit, decode_cursor(cursor))
        found = [await self.profile(id_) for _, id_ in page]
        return [profile for profile in found if profile is not None], following
