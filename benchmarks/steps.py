"""What each step of the path costs: microseconds of CPU per event of the permanent workload, in one process, no server.

    python -m benchmarks.steps
    python -m benchmarks.steps --round 500 --cprofile 40

The workload goes in rounds through ingest's own steps, the linker's graph and the steps of all partitions, with a store
in memory. Kafka, Redis, Faust and the event loop are left out, so the figures are steady where those of
`benchmarks.throughput` are not. What it came to: docs/benchmarks.md.
"""

from __future__ import annotations

import asyncio
import cProfile
import inspect
import json
import pstats
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, groupby
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord
from rich.console import Console
from rich.table import Table

from benchmarks.command import AsJson, Events, Partitions, command, machine
from benchmarks.workload import RawEvent, name_of, shop
from models.churn.panel import Panel
from models.population.snapshot import PopulationSnapshot
from plan import Plan, load_plan
from profiles.store import Changes, Output
from profiles.stores.indexes import alert_groups, document_groups
from profiles.stores.keys import Keys
from profiles.stores.memory.profiles import MemoryStore
from profiles.types import Identity, Merge, partition_of
from streams.identity.graph import Graph
from streams.kafka.topics import PROFILE_CHANGES, PROFILE_EVENTS
from streams.pipeline import Pipeline, arrival_pipeline, ingest_pipeline, profile_pipeline
from streams.records.happened import read_record
from streams.records.links import LinkRequest
from streams.settings import Settings
from streams.steps.identify import NOBODY
from streams.steps.intake import InChunks, Intake, Item, chunks
from streams.steps.work import SENT_BITS, Work
from streams.worker.runner import collect_seldom

__all__ = ["Costs", "Way", "measure", "run"]

_PLAN = Path(__file__).parents[1] / "tracking_plan.yaml"
_LINKS = "identity.links"

_encode = msgspec.msgpack.Encoder().encode


class Costs:
    """CPU seconds by step, in the order in which the steps first ran."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Add what is done inside."""
        began = time.thread_time()
        yield
        self.seconds[name] += time.thread_time() - began

    async def run(self, pipeline: Pipeline[Any], batches: Sequence[Any]) -> None:
        """Take several batches through a pipeline, step by step; a step that takes them `together` gets them so."""
        for step in pipeline.steps:
            if isinstance(step, InChunks):
                for batch in batches:
                    self._in_chunks(step, batch)
                continue
            with self.of(name_of_step(step)):
                together: Callable[[Sequence[Any]], None] | None = getattr(step, "together", None)
                if together is not None:
                    together(batches)
                    continue
                for batch in batches:
                    waiting = step(batch)
                    if inspect.isawaitable(waiting):
                        await waiting

    def _in_chunks(self, step: InChunks, batch: Intake) -> None:
        """What the step does, measured apart."""
        kept: list[Item] = []
        for items in chunks(batch):
            for part in step.steps:
                with self.of(part.__name__):
                    items = part.over(batch, items)  # noqa: PLW2901
            kept += items
        batch.items = kept


def name_of_step(step: Callable[..., object]) -> str:
    """The name of its factory."""
    name = step.__name__
    return step.__qualname__.partition(".")[0] if name == "run" else name


class Way:
    """The path of an event without servers.

    Args:
        plan: what is accepted, and what it means.
        now: the time at which everything is looked at.
        partitions: of the profiles.
    """

    def __init__(self, plan: Plan, now: float, partitions: int) -> None:
        self._plan = plan
        self._now = now
        self._count = partitions
        self._linked: dict[Identity, str] = {}
        self._graph = Graph(
            plan, _LINKS, partitions, now, linked=self._linked, held={}, links={}, apart={}, pending={}, erased={},
            refusals={}, claims={},
        )  # fmt: skip
        self._asked: set[tuple[Identity, ...]] = set()
        self._requests = count()
        self._store = MemoryStore(plan.namespace, partitions)
        panel, population = Panel.cold(plan.churn), PopulationSnapshot.empty()
        self._arrival = arrival_pipeline(plan)
        self._ingest = ingest_pipeline(plan, self, NOBODY)
        self._profile = profile_pipeline(plan, Settings(), lambda: panel, lambda: population)
        self._waiting: defaultdict[int, list[tuple[int, bytes]]] = defaultdict(list)  # `profile.events`
        self._offsets: Counter[int] = Counter()
        self._producer = AIOKafkaProducer(max_batch_size=2**24)
        self.costs = Costs()
        self.outcomes: Counter[str] = Counter()

    async def met(
        self, identities: Sequence[Identity], stated: Sequence[Identity]
    ) -> tuple[dict[Identity, str], set[Identity]]:
        """The profiles of linked identities (`streams.steps.identify.Links`)."""
        return {identity: self._linked[identity] for identity in identities if identity in self._linked}, set()

    async def close(self) -> None:
        """Release what makes the batches of records."""
        await self._producer.stop()

    async def take(self, records: Iterable[tuple[str, ConsumerRecord]]) -> None:
        """One round: ingest, linker, then all partitions until nothing waits."""
        for source, part in groupby(sorted(records, key=lambda record: record[0]), key=lambda record: record[0]):
            batch = Intake(source, [record for _, record in part], self._now)
            await self.costs.run(self._arrival, [batch])
            await self.costs.run(self._ingest, [batch])
            self.outcomes["rejected"] += len(batch.rejected)
            with self.costs.of("events as records"):
                self._send((item.home, item.packed) for item in batch.items)
            with self.costs.of("linker"):
                self._send((merge.profile, _encode(merge)) for merge in self._link(batch.links))
        while self._waiting:
            await self._apply()

    def _send(self, records: Iterable[tuple[str, bytes]]) -> None:
        batch = self._producer.create_batch()
        for profile, value in records:
            batch.append(key=profile.encode(), value=value, timestamp=None)
            self._put(partition_of(profile, self._count), value)

    def _put(self, partition: int, value: bytes) -> None:
        self._waiting[partition].append((self._offsets[partition], value))
        self._offsets[partition] += 1

    def _link(self, links: Iterable[LinkRequest]) -> Iterator[Merge]:
        for link in links:
            if (together := tuple(link.identities)) in self._asked:
                continue
            self._asked.add(together)
            request = next(self._requests)
            decision = self._graph.link(request, link)
            for loser, moved in (decision.losers if decision else {}).items():
                yield Merge(loser, decision.winner, link.time, moved, (_LINKS, 0, request << SENT_BITS))  # type: ignore[union-attr]

    async def _apply(self) -> None:
        """What waits in all partitions: read, derive, commit."""
        waiting, self._waiting = self._waiting, defaultdict(list)
        works: list[Work] = []
        for partition, records in sorted(waiting.items()):
            with self.costs.of("records decoded"):
                decoded = [(offset, read_record(value)) for offset, value in records]
            with self.costs.of("documents decoded"):
                loaded = await self._store.load(partition, list({record.profile for _, record in decoded}))
            with self.costs.of("records taken"):
                work = Work(partition, loaded, self._count)
                fresh = work.take(decoded, PROFILE_EVENTS)
                work.begin(self._now, fresh)
            works.append(work)
        await self.costs.run(self._profile, works)
        for work, (_, records) in zip(works, sorted(waiting.items()), strict=True):
            await self._commit(work, records[-1][0])

    async def _commit(self, work: Work, applied: int) -> None:
        with self.costs.of("changes"):
            changes = work.changes(applied, 0)
        with self.costs.of("documents encoded"):
            documents = changes.documents
        with self.costs.of("index entries"):
            _groups(work.partition, changes)
        with self.costs.of("outputs as records"):
            batch = self._producer.create_batch()
            for output in changes.outputs:
                batch.append(key=output.key, value=output.value, timestamp=None, headers=[("id", output.id.encode())])
            for id_, document in documents.items():
                batch.append(key=id_.encode(), value=document, timestamp=None, headers=[("version", b"1")])
        await self._store.commit(work.partition, changes)
        for output in changes.outputs:
            self._tell(output)
        self.outcomes.update(work.outcomes)
        self.outcomes["documents"] += len(changes.profiles)

    def _tell(self, output: Output) -> None:
        if output.topic == PROFILE_EVENTS:
            self._put(output.partition, output.value)
        elif output.topic != PROFILE_CHANGES:
            self.outcomes[output.topic] += 1


def _groups(partition: int, changes: Changes) -> bytes:
    """The commit's groups as the store packs them, documents aside."""
    keys = Keys.of(partition)
    groups = document_groups(keys, changes.profiles, changes.documents, changes.removed)
    groups += alert_groups(keys, changes.alerts, changes.alerts_gone)
    return _encode([(name, key, values) for name, key, values in groups if values and name != "HSET"])


def measure(
    events: Sequence[RawEvent], plan: Plan, now: float, *, partitions: int, batch: int
) -> tuple[Counter[str], Counter[str]]:
    """CPU seconds by step of playing these events, and what became of them.

    Args:
        events: in the order of their times.
        plan: of the workload.
        now: the time at which everything is looked at.
        partitions: of the profiles.
        batch: events of a round.
    """
    records = [
        (event.source, ConsumerRecord(f"events.{event.source}", 0, place, int(now * 1000), 0, event.key, event.value,
                                      None, len(event.key), len(event.value), ()))
        for place, event in enumerate(events)
    ]  # fmt: skip

    async def play() -> Way:
        way = Way(plan, now, partitions)
        for start in range(0, len(records), batch):
            await way.take(records[start : start + batch])
        await way.close()
        return way

    way = asyncio.run(play())
    return way.costs.seconds, way.outcomes


def run(
    events: Events = 50_000,
    partitions: Partitions = 16,
    batch: Annotated[int, typer.Option("--round", min=1, help="Events of a round, over all partitions.")] = 2000,
    repeat: Annotated[int, typer.Option(min=1, help="Plays; of each step the least counts.")] = 3,
    cprofile: Annotated[int, typer.Option(min=0, help="Print so many functions by own time, of one more play.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Measure what each step takes: microseconds of CPU per event, which are CPU seconds per million events."""
    Console(stderr=True).print(f"Making {name_of(events)}…")
    now = time.time()
    workload = shop(events, now)
    collect_seldom()
    play = lambda: measure(workload, load_plan(_PLAN), now, partitions=partitions, batch=batch)  # noqa: E731
    plays = [play() for _ in range(repeat)]
    costs = {name: min(seconds[name] for seconds, _ in plays) / events * 1e6 for name in plays[0][0]}
    if as_json:
        about = {"workload": name_of(events), "round": batch, "partitions": partitions, "machine": machine()}
        body = {**about, "microseconds": costs, "sum": sum(costs.values()), "outcomes": dict(plays[0][1])}
        sys.stdout.write(json.dumps(body, indent=2) + "\n")
        return
    table = Table(title=f"{name_of(events)}, {batch} events a round; {machine()}")
    table.add_column("")
    table.add_column("µs per event", justify="right")
    for name, microseconds in costs.items():
        table.add_row(name, f"{microseconds:.2f}")
    table.add_row("all", f"{sum(costs.values()):.2f}")
    Console().print(table)
    Console().print(", ".join(f"{name} {number:,}" for name, number in sorted(plays[0][1].items())))
    if cprofile:
        profiler = cProfile.Profile(time.thread_time)
        profiler.runcall(play)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(cprofile)


if __name__ == "__main__":
    command(run)
