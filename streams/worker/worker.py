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
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import faust
from faust.types import TP
from prometheus_client import start_http_server

from plan import Plan
from profiles.errors import Misconfigured, WrongUse
from profiles.stores.setup import beat
from streams.clock import WALL
from streams.kafka.client import faust_broker
from streams.kafka.topics import IDENTITY_LINKS, PROFILE_EVENTS, TRAINING_EXAMPLES, topic_name
from streams.kafka.transport.batch import Batch, joined
from streams.kafka.transport.consumer import BatchSchema, use_batches
from streams.kafka.transport.membership import Membership
from streams.kafka.transport.rounds import Rounds
from streams.metrics import WorkerMetrics
from streams.retry import retrying
from streams.settings import Settings
from streams.worker.clock.coordinator import waiting_in
from streams.worker.clock.timers import Backlog
from streams.worker.inflow import Inflow
from streams.worker.profiles import Behind
from streams.worker.roles import Roles

__all__ = ["Only", "WorkerApp", "create_worker"]

log = logging.getLogger(__name__)

Only = Literal["ingest", "profile"]
"""A part of the work in a process of its own. ingest: the topics of the sources. profile: `profile.events`,
`identity.links` with splits and the clock, `training.examples`, the census.
"""

Task = Callable[[], Awaitable[object]]

_FOLLOW_LIVE = 0.25  # seconds between two looks at the clock while it is live
_FOLLOW = 0.01  # …and while it is not, when everybody waits for the slowest, at least…
_SHARE = 0.1  # …and else this share of the time it has stood: a look asks Redis and Kafka a dozen things
_CROWDED = 0.02  # seconds until ingest looks again whether there is room
_HEARTBEAT = 0.5  # seconds; by it a worker learns that the partitions are shared out anew
_ROUND = 4  # batches that make the largest round while the clock is not live; nobody waits for its end then


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

    def __init__(self, app: WorkerApp, settings: Settings, plan: Plan, only: Only | None) -> None:
        self._app = app
        self._settings = settings
        self._metrics = WorkerMetrics()
        self._only = only
        self._name = "-".join([socket.gethostname(), str(os.getpid()), *([only] if only else [])])
        self._source_topics = {source.name: topic_name(settings, source.topic) for source in plan.sources.values()}
        self._profile_events = topic_name(settings, PROFILE_EVENTS)
        self._identity_links = topic_name(settings, IDENTITY_LINKS)
        self._training_examples = topic_name(settings, TRAINING_EXAMPLES)
        self._backlog = Backlog(app, {self._profile_events, *self._source_topics.values()}, settings.batch)
        self.roles = Roles(
            settings, plan, self._metrics, WALL, self._backlog, self._name, self._delivery_failed,
            profiles=only != "ingest",
        )  # fmt: skip

        self._inflow = Inflow(self.roles.stores.sources, self._metrics.totals, WALL)

        def most() -> int:
            return settings.batch * (1 if self.roles.clock.live else _ROUND)

        self._ingesting = Rounds(self._source_topics.values(), self._safely(self._ingest), most, settings)
        self._applying = Rounds([self._profile_events], self._safely(self._apply), most, settings)
        self.rounds = tuple(
            rounds
            for part, rounds in (("ingest", self._ingesting), ("profile", self._applying))
            if only in (None, part)
        )
        self.roles.clock.moved = self._ingesting.wake
        self.roles.flow.is_over = lambda: app.should_stop or not app.consumer.flow_active
        self._follows = False

    def serve_metrics(self) -> None:
        """Answer `/metrics` on its own port, if there is one."""
        if self._settings.metrics_port:
            start_http_server(self._settings.metrics_port, addr=self._settings.host)

    def register(self) -> None:
        """Put the agents and tasks on the app."""
        if self._only != "ingest":
            self._agent("linker", self._identity_links, self.roles.linker.handle)
            self._agent("learner", self._training_examples, self.roles.learner.handle)
        for rounds in self.rounds:
            self._app.task(self._run(rounds))
        for name, seconds, task in self._tasks():
            self._app.task(self._every(name, seconds, task))
        self._app.task(self._follow_clock)
        self._app.on_partitions_revoked.connect(self._revoked, weak=False)

    def _tasks(self) -> Iterable[tuple[str, float, Task]]:
        """The periodic tasks: what each does, the seconds between two runs, and the function."""
        always = (
            ("refresh", 1.0, self._refresh),
            ("measure lag", 5.0, self._measure_lag),
            ("tell what comes in", 2.0, retrying(self._inflow.tell)),
            ("try paused sources", 1.0, self.roles.probe.step),
        )
        if self._only == "ingest":
            return always
        return (
            *always,
            ("look at other workers' sources", 1.0, self._look_elsewhere),
            ("fire timers", 1.0, self.roles.timers.fire_live),
            ("count customers", 1.0, self._count_customers),
            ("conclude census", 1.0, self._conclude_census),
            ("deliver decisions", 1.0, self.roles.linker.tick),
            ("complete splits", 1.0, self.roles.splits.tick),
            ("show models", 1.0, self.roles.learner.tick),
            ("follow store", 5.0, self._follow_store),
        )

    def _run(self, rounds: Rounds) -> Task:
        async def task() -> None:
            await rounds.run(lambda: self._app.should_stop)

        return task

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

    def _agent(self, name: str, topic: str, handle: Callable[..., Awaitable[None]]) -> None:
        async def each(batches: list[Batch]) -> None:
            for batch in batches:
                try:
                    await handle(batch.records, batch.follows)
                except Behind as behind:
                    await self._read_again(batch, behind)

        safely = self._safely(each)

        async def agent(stream: Any) -> None:
            async for event in stream.noack().events():
                await safely([event.value])
                event.ack()

        self._app.agent(self._app.topic(topic, schema=BatchSchema()), name=name)(agent)

    def _safely(self, handle: Callable[[list[Batch]], Awaitable[None]]) -> Callable[[list[Batch]], Awaitable[None]]:
        async def safely(batches: list[Batch]) -> None:
            try:
                await handle(batches)
            except Exception:
                if self._app.should_stop:
                    return  # what it needs is being closed
                where = f"{batches[0].tp} from offset {batches[0].first}" if batches else "what waited"
                self._die(f"cannot handle {where}")

        return safely

    def _die(self, what: str) -> None:
        log.critical("%s; stopping without acknowledging it", what, exc_info=True)
        logging.shutdown()
        os._exit(1)

    def _delivery_failed(self, error: Exception) -> None:
        if not self._app.should_stop:
            log.critical("cannot deliver what was committed", exc_info=error)
            self._die("the outbox holds it")

    async def _ingest(self, batches: list[Batch]) -> None:
        """Take a round of the sources' topics, and what may go on of what waited."""
        consumer, ingest = self._app.consumer, self.roles.ingest
        await ingest.take(batches, consumer.is_current)
        passed = await ingest.let_in()
        for batch in passed.done:
            batch.finish()
        consumer.hold(passed.held)
        for topic in {batch.tp.topic for batch in passed.held if not ingest.is_paused(batch.tp)}:
            await consumer.release(topic)  # resumed while this was under way
        if passed.crowded:
            asyncio.get_running_loop().call_later(_CROWDED, self._ingesting.wake)
        for tp in {batch.tp for batch in [*batches, *passed.done]} - {batch.tp for batch in passed.held}:
            (self._ingesting.pause if ingest.is_full(tp) else self._ingesting.resume)(tp)

    async def _apply(self, batches: list[Batch]) -> None:
        """Take a round of `profile.events`. A batch that the store is not ready for is read again from where it is."""
        consumer = self._app.consumer
        waiting: dict[int, list[Batch]] = {}
        for batch in batches:
            waiting.setdefault(batch.tp.partition, []).append(batch)
        runs = {partition: joined(parts) for partition, parts in waiting.items()}
        while runs:
            now = {partition: parts.pop(0) for partition, parts in runs.items()}
            runs = {partition: parts for partition, parts in runs.items() if parts}
            current = [batch for batch in now.values() if consumer.is_current(batch)]
            for partition, behind in (await self.roles.profiles.apply(current)).items():
                await self._read_again(now[partition], behind)
        for batch in batches:
            batch.finish()

    async def _read_again(self, batch: Batch, behind: Behind) -> None:
        if self._app.consumer.is_current(batch):  # else: it was on its way before the rewind that is under way
            log.warning("%s: the store continues at offset %d; reading again", batch.tp, behind.offset)
            await self._app.consumer.rewind(batch.tp, behind.offset)

    async def _follow_clock(self) -> None:
        """Follow the clock, fire what it lets fire, report what was let in; and move it, if that is this worker's."""
        reported = 0.0
        version, moved = -1, 0.0  # of the clock, and when it was moved
        while not self._app.should_stop:
            if self.roles.clock.state.version != version:
                version, moved = self.roles.clock.state.version, time.monotonic()
            stood = time.monotonic() - moved
            live = self.roles.clock.live
            await asyncio.sleep(_FOLLOW_LIVE if live else min(max(_FOLLOW, _SHARE * stood), _FOLLOW_LIVE))
            try:
                if not self._follows:
                    continue
                await self.roles.clock.refresh()
                self._metrics.clock(live=self.roles.clock.live, behind=self.roles.clock.behind)
                if self.roles.clock.live and time.monotonic() - reported < 1.0:
                    continue
                reported = time.monotonic()
                if self._only != "profile":
                    await self._report()
                if self._only == "ingest":
                    continue
                await self._fire_gate()
                if not self.roles.clock.live:
                    await self.roles.census.run()
                if self._owns(self._identity_links):
                    await self.roles.coordinator.step()
            except Exception:
                if self._app.should_stop:
                    return
                self._die("cannot follow the clock")

    async def _report(self) -> None:
        consumer = self._app.consumer
        sources = set(self._source_topics.values())
        mine = [tp for tp in consumer.assignment() if tp.topic in sources]
        await self.roles.ingest.report(mine, consumer.reached)

    async def _fire_gate(self) -> None:
        if self.roles.clock.live:
            return
        if self.roles.clock.fires:
            await self.roles.refresh_models()  # what the learner has learned up to the gate before
            await self.roles.timers.fire_gate()
        await self.roles.profiles.clear()

    @retrying
    async def positions(self, assigned: Iterable[TP]) -> Mapping[TP, int]:
        """The offsets at which these partitions continue, by the store; see `transport.consumer.Positions`."""
        mine = [tp.partition for tp in assigned if tp.topic == self._profile_events]
        self.roles.profiles.assigned(mine)
        linking = TP(self._identity_links, 0) in assigned
        self.roles.linker.assigned(mine=linking)
        self.roles.splits.assigned(mine=linking)
        self.roles.learner.assigned(mine=TP(self._training_examples, 0) in assigned)
        answer = await self._continues(assigned)
        self.roles.timers.assigned()
        await self.roles.plans.refresh()  # before anybody of these partitions is moved by our plan
        log.info("reading %d partitions, %d of them profiles'", len(set(assigned)), len(mine))
        if assigned:
            before, asked = WALL.now(), time.monotonic()
            theirs = await beat(self.roles.stores.client, self._name)
            self.roles.timers.watch.compare(before, theirs, time.monotonic() - asked)
            await self.roles.clock.join(theirs)
            self._follows = True
        return answer

    @retrying
    async def _look_elsewhere(self) -> None:
        """See how much waits in the source partitions of other workers: silence proves nothing before that is here."""
        others = [tp for tp in self.roles.places.sources if tp not in self._app.consumer.assignment()]
        if not others:
            self._backlog.elsewhere = 0
            return
        heads, ends = await self.roles.stores.clock.heads(), await self.roles.ends(others)
        self._backlog.elsewhere = max(waiting_in(heads, ends).values(), default=0)

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
        await self.roles.profiles.listen()

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

    async def _count_customers(self) -> None:
        if self.roles.clock.live:  # else: at the end of a step, by who follows the clock
            await self.roles.census.run()

    async def _conclude_census(self) -> None:
        if self.roles.clock.live and self._owns(self._training_examples):
            await self.roles.census_merger.step(WALL.now())

    def _owns(self, topic: str) -> bool:
        """Whether the one partition of a topic is this worker's."""
        return TP(topic, 0) in self._app.consumer.assignment()

    @retrying
    async def _measure_lag(self) -> None:
        waiting: dict[str, int] = {}
        for tp in self._app.consumer.assignment():
            waiting[tp.topic] = waiting.get(tp.topic, 0) + self._app.consumer.behind(tp)
        for topic, records in waiting.items():
            self._metrics.lag(topic, records)
        await self.roles.stores.sources.tell_lag(self._name, waiting, WALL.now())


def create_worker(settings: Settings, plan: Plan, only: Only | None = None) -> WorkerApp:
    """A worker, ready to run: `faust.Worker(create_worker(...)).execute_from_commandline()`.

    Args:
        settings: of the installation.
        plan: of it.
        only: its one part; None for both. Workers of all kinds share one consumer group, in which Faust gives a
            partition only to who subscribes to its topic.
    """
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
        broker_heartbeat_interval=min(settings.session_timeout / 5, _HEARTBEAT),
        broker_commit_interval=1.0,
        broker_max_poll_records=settings.batch,
        stream_buffer_maxsize=16,  # batches, not events
        stream_wait_empty=True,
    )
    worker = app.rapport = Worker(app, settings, plan, only)
    use_batches(app, worker.positions, worker.rounds, Membership(settings))
    worker.register()
    return app
