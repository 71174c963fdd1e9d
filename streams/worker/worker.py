"""The stream worker: one Faust app whose agents are thin; what they do is in the runners.

An agent never lets an exception out: Faust would acknowledge the batch. What a runner does not know how to handle
stops the process at once, with nothing acknowledged, exactly as if it had been killed; that is a case the design is
built for, and the only one that must be right.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import faust
from faust.types import TP
from prometheus_client import start_http_server

from plan import Plan
from profiles.errors import Misconfigured, WrongUse
from profiles.stores.setup import beat
from streams.clock import WALL
from streams.kafka.client import faust_broker
from streams.kafka.lanes import Handle, Lanes
from streams.kafka.topics import IDENTITY_LINKS, PROFILE_EVENTS, TRAINING_EXAMPLES, topic_name
from streams.kafka.transport import Batch, BatchSchema, joined, use_batches
from streams.metrics import WorkerMetrics
from streams.retry import retrying
from streams.settings import Settings
from streams.worker.profiles import Behind
from streams.worker.roles import Roles
from streams.worker.timers import Backlog

__all__ = ["WorkerApp", "create_worker"]

log = logging.getLogger(__name__)

Task = Callable[[], Awaitable[object]]


class WorkerApp(faust.App):
    """A Faust app that starts and stops what its agents need."""

    rapport: Worker

    async def on_start(self) -> None:
        """Check the installation before any partition is taken; what is wrong with it needs no stack trace."""
        try:
            await self.rapport.roles.start()
        except Misconfigured as error:
            log.critical("not started: %s", error)
            raise SystemExit(2 if isinstance(error, WrongUse) else 1) from None
        self.rapport.serve_metrics()  # whoever asks whether this worker is well hears nothing of one that cannot start
        await super().on_start()

    async def on_stop(self) -> None:
        """Finish what is being delivered."""
        await super().on_stop()
        await self.rapport.roles.stop()


class Worker:
    """Runs the roles of one worker: an agent for each topic, tasks that come back, and where reading continues."""

    def __init__(self, app: WorkerApp, settings: Settings, plan: Plan) -> None:
        self._app = app
        self._settings = settings
        self._metrics = WorkerMetrics()
        self._name = f"{socket.gethostname()}-{os.getpid()}"
        self._source_topics = {source.name: topic_name(settings, source.topic) for source in plan.sources.values()}
        self._profile_events = topic_name(settings, PROFILE_EVENTS)
        self._identity_links = topic_name(settings, IDENTITY_LINKS)
        self._training_examples = topic_name(settings, TRAINING_EXAMPLES)
        self._backlog = Backlog(app, {self._profile_events, *self._source_topics.values()}, settings.batch)
        self.roles = Roles(settings, plan, self._metrics, WALL, self._backlog, self._name)

    def serve_metrics(self) -> None:
        """Answer `/metrics` on its own port, if there is one."""
        if self._settings.metrics_port:
            start_http_server(self._settings.metrics_port, addr=self._settings.host)

    def register(self) -> None:
        """Put the agents and tasks on the app."""
        for source, topic in self._source_topics.items():
            self._agent(f"ingest-{source}", topic, self._ingest_from(source), lambda batch: batch.tp.topic)
        for name, topic, handle in (
            ("profile", self._profile_events, self._apply),
            ("linker", self._identity_links, self._link),
            ("learner", self._training_examples, self._learn),
        ):
            self._agent(name, topic, handle, lambda batch: batch.tp.partition)
        for name, seconds, task in self._tasks():
            self._app.task(self._every(name, seconds, task))
        self._app.on_partitions_revoked.connect(self._revoked, weak=False)

    def _tasks(self) -> Iterable[tuple[str, float, Task]]:
        """The periodic tasks: what each does, the seconds between two runs, and the function."""
        return (
            ("fire timers", 1.0, self.roles.timers.fire),
            ("refresh", 1.0, self._refresh),
            ("count customers", 1.0, self.roles.census.run),
            ("conclude census", 1.0, self._conclude_census),
            ("deliver decisions", 1.0, self.roles.linker.tick),
            ("complete splits", 1.0, self.roles.splits.tick),
            ("show models", 1.0, self.roles.learner.tick),
            ("measure lag", 5.0, self._measure_lag),
            ("follow store", 5.0, self._follow_store),
        )

    def _every(self, name: str, seconds: float, function: Task) -> Task:
        async def task() -> None:
            while not self._app.should_stop:
                await asyncio.sleep(seconds)
                try:
                    await function()
                except Exception:
                    if self._app.should_stop:
                        return  # what it needs is being closed
                    self._die(f"cannot {name}")

        task.__name__ = name.replace(" ", "_")
        return task

    def _agent(self, name: str, topic: str, handle: Handle, lane: Callable[[Batch], Hashable]) -> None:
        async def safely(batches: list[Batch]) -> None:
            first = batches[0]
            try:
                await handle(batches)
            except Exception:
                self._die(f"cannot handle {first.tp} from offset {first.records[0].offset}")

        async def agent(stream: Any) -> None:
            lanes = Lanes(safely, lane, self._settings.batch, self._backlog.is_long)
            async for event in stream.noack().events():
                await lanes.put(event)

        self._app.agent(self._app.topic(topic, schema=BatchSchema()), name=name)(agent)

    def _die(self, what: str) -> None:
        log.critical("%s; stopping without acknowledging it", what, exc_info=True)
        logging.shutdown()
        os._exit(1)

    def _ingest_from(self, source: str) -> Handle:
        async def handle(batches: list[Batch]) -> None:
            consumer = self._app.consumer
            current = [batch for batch in batches if consumer.is_current(batch)]  # the others were paused
            records = [record for batch in current for record in batch.records]
            if records and not await self.roles.ingest.handle(source, records):
                consumer.hold(current)

        return handle

    async def _apply(self, batches: list[Batch]) -> None:
        apply = self.roles.profiles.apply_batch
        await self._each(batches, lambda batch: apply(batch.tp.partition, batch.records, batch.follows))

    async def _link(self, batches: list[Batch]) -> None:
        await self._each(batches, lambda batch: self.roles.linker.handle(batch.records, batch.follows))

    async def _learn(self, batches: list[Batch]) -> None:
        await self._each(batches, lambda batch: self.roles.learner.handle(batch.records, batch.follows))

    async def _each(self, batches: list[Batch], handle: Callable[[Batch], Awaitable[None]]) -> None:
        """Handle a partition's batches; one that the store is not ready for is read again from where it is."""
        consumer = self._app.consumer
        for batch in joined(batches):
            try:
                await handle(batch)
            except Behind as behind:
                if consumer.is_current(batch):  # else: it was on its way before the rewind that is under way
                    log.warning("%s: the store continues at offset %d; reading again", batch.tp, behind.offset)
                    await consumer.rewind(batch.tp, behind.offset)

    @retrying
    async def positions(self, assigned: Iterable[TP]) -> Mapping[TP, int]:
        """The offsets at which these partitions continue, by the store; see `streams.kafka.transport.Positions`."""
        mine = [tp.partition for tp in assigned if tp.topic == self._profile_events]
        self.roles.profiles.assigned(mine)
        linking = TP(self._identity_links, 0) in assigned
        self.roles.linker.assigned(mine=linking)
        self.roles.splits.assigned(mine=linking)
        self.roles.learner.assigned(mine=TP(self._training_examples, 0) in assigned)
        answer = await self._continues(assigned)
        self.roles.timers.assigned()
        log.info("reading %d partitions, %d of them profiles'", len(set(assigned)), len(mine))
        if assigned:
            await beat(self.roles.stores.client, self._name)
        return answer

    def _revoked(self, *_: Any, **__: Any) -> None:
        self.roles.profiles.assigned(())
        self.roles.linker.assigned(mine=False)
        self.roles.splits.assigned(mine=False)

    async def _continues(self, assigned: Iterable[TP]) -> dict[TP, int]:
        """The offset at which each partition continues, where that is the store's to say."""
        answer: dict[TP, int] = {}
        mine = [tp for tp in assigned if tp.topic == self._profile_events]
        applied = await self.roles.stores.profiles.applied([tp.partition for tp in mine])
        for tp in mine:
            answer[tp] = applied[tp.partition] + 1
        for tp in assigned:
            if tp.topic == self._identity_links:
                answer[tp] = (await self.roles.stores.links.state()).applied + 1
            elif tp.topic == self._training_examples:
                answer[tp] = await self.roles.learner.continues()
        return answer

    @retrying
    async def _follow_store(self) -> None:
        """Read again what a restored store no longer has, though no new record may come to tell of it (`Behind`)."""
        consumer = self._app.consumer
        done = {tp: offset for tp in consumer.assignment() if (offset := consumer.done_up_to(tp)) is not None}
        for tp, offset in (await self._continues(done)).items():
            if offset < done[tp] and tp in consumer.assignment():
                log.warning("%s: the store was set back to offset %d; reading again", tp, offset)
                await consumer.rewind(tp, offset)

    @retrying
    async def _refresh(self) -> None:
        """Show a sign of life, and read again what others have changed in the store."""
        if self._app.consumer.assignment():
            before, asked = WALL.now(), time.monotonic()
            theirs = await beat(self.roles.stores.client, self._name)
            self.roles.timers.watch.compare(before, theirs, time.monotonic() - asked)
        for source in await self.roles.refresh():
            if source in self._source_topics:
                await self._app.consumer.release(self._source_topics[source])

    async def _conclude_census(self) -> None:
        if self._owns(self._training_examples):
            await self.roles.census_merger.step(WALL.now())

    def _owns(self, topic: str) -> bool:
        """Whether the one partition of a topic is this worker's."""
        return TP(topic, 0) in self._app.consumer.assignment()

    async def _measure_lag(self) -> None:
        waiting: dict[str, int] = {}
        for tp in self._app.consumer.assignment():
            waiting[tp.topic] = waiting.get(tp.topic, 0) + self._app.consumer.behind(tp)
        for topic, records in waiting.items():
            self._metrics.lag(topic, records)


def create_worker(settings: Settings, plan: Plan) -> WorkerApp:
    """A worker, ready to run: `faust.Worker(create_worker(...)).execute_from_commandline()`."""
    app = WorkerApp(
        settings.worker_group,
        **faust_broker(settings),
        autodiscover=False,
        web_enabled=False,
        datadir=str(Path(tempfile.gettempdir()) / "rapport-faust"),  # it makes one, and puts nothing there
        store="memory://",
        topic_allow_declare=False,  # streams.kafka.admin makes the topics
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / 5,
        broker_commit_interval=1.0,
        broker_max_poll_records=settings.batch,
        stream_buffer_maxsize=16,  # batches, not events
        stream_wait_empty=True,
    )
    worker = app.rapport = Worker(app, settings, plan)
    use_batches(app, worker.positions)
    worker.register()
    return app
