"""A small Rapport without servers: the real linker, split completer and profile runners, on stores and a log in memory.

Nothing takes time in it, and nothing is left to the machine: who sleeps wakes once nobody has anything to do. How long
everybody takes, which partition hears first of a commit, who is killed in the middle of what, and whether what a killed
one was sending still arrives is for a seed to say. So the protocols between home, winner and linker meet orders that no
real run brings about, and a seed that fails fails again.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import zlib
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import msgspec
from aiokafka.structs import ConsumerRecord, TopicPartition
from faust.types import TP
from prometheus_client import CollectorRegistry

from plan import Plan
from profiles.documents import decode_profile
from profiles.identity.links import Linked
from profiles.identity.secrets import suppression
from profiles.stores.memory import MemoryLinkStore, MemoryStore
from profiles.types import Event, Grouping, Identity, Profile, Record, partition_of
from streams.clock import Clock, SteppedClock
from streams.commands import CommandSender
from streams.daily.tally import tally
from streams.identity.history import History
from streams.identity.split import SplitCompleter
from streams.kafka.memory import MemoryLog
from streams.kafka.outbox import Outbox
from streams.kafka.output import Row
from streams.kafka.topics import IDENTITY_CHANGES, IDENTITY_LINKS, PROFILE_CHANGES, PROFILE_EVENTS, TOLD, topic_name
from streams.kafka.transport.batch import Batch
from streams.metrics import WorkerMetrics
from streams.pipeline import Pipeline, limits_of
from streams.records.links import LinkRequest, Request
from streams.settings import Settings
from streams.steps.update import update
from streams.steps.work import Work
from streams.worker.flow import Flow
from streams.worker.linker import Linker
from streams.worker.profiles import ProfileRunner, Steps
from streams.worker.told import ToldReader, nothing_told
from tests.build import live

PARTITIONS = 3
SETTINGS = Settings(partitions=PARTITIONS, timeline=4, seen=4096)
CHANGES, EVENTS, LINKS, NEWS = (
    topic_name(SETTINGS, base) for base in (PROFILE_CHANGES, PROFILE_EVENTS, IDENTITY_LINKS, IDENTITY_CHANGES)
)
LONGEST = 1.0  # seconds that one of a world's parts does nothing
NEVER = 3600.0  # seconds after which it will not come to rest any more

_metrics = WorkerMetrics(CollectorRegistry())
_encode = msgspec.msgpack.Encoder().encode

Story = Callable[["World"], Coroutine[Any, Any, None]]


def play(plan: Plan, seed: int, story: Story, look: Sequence[Callable[[Work], None]] = ()) -> None:
    """Let a story happen in a new world, in which customers are looked at by these steps."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(_whole(World(plan, random.Random(seed), look), story))


async def _whole(world: World, story: Story) -> None:
    try:
        await story(world)
    finally:
        await world.stop()


class _Selector(selectors.DefaultSelector):
    """Waits for nobody: it is later at once."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everybody waits for somebody else"
        self.passed += max(timeout, 0.0)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop with a time of its own, and without threads."""

    def __init__(self) -> None:
        self._times = _Selector()
        super().__init__(self._times)

    def time(self) -> float:
        return self._times.passed

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        done = self.create_future()
        done.set_result(func(*args))
        return done


class _Passing:
    """A clock by the loop's time: who is looked at later is looked at later."""

    def now(self) -> float:
        return round(2000.0 + asyncio.get_running_loop().time(), 6)


def timeless() -> asyncio.AbstractEventLoop:
    """A loop in which nothing takes time."""
    return _Loop()


class Carrier:
    """Brings what one process sends into the log: a partition in two parts, until it is dead."""

    def __init__(self, log: MemoryLog, chance: random.Random) -> None:
        self._log = log
        self._chance = chance
        self.dead = False

    async def produce(self, rows: Iterable[Row]) -> dict[tuple[str, int], int]:
        ends: dict[tuple[str, int], int] = {}
        parts: dict[tuple[str, int | None], list[Row]] = {}
        for row in rows:
            parts.setdefault((row.topic, row.partition), []).append(row)
        for part in self._chance.sample(list(parts.values()), len(parts)):
            cut = self._chance.randint(0, len(part))
            for some in (part[:cut], part[cut:]):
                await asyncio.sleep(self._chance.choice((0.0, 0.0, 0.1, LONGEST)))
                if self.dead:
                    raise asyncio.CancelledError
                ends |= await self._log.produce(some)
        return ends


class Process:
    """Takes its turns until it is killed, or has lost its partition to another and does not know it yet."""

    def __init__(self, world: World) -> None:
        self._chance = world.chance
        self.carrier = Carrier(world.log, world.chance)
        self._over = False
        self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while not self._over:
            await asyncio.sleep(self._chance.uniform(0.0, LONGEST))
            await self.turn()

    async def turn(self) -> None:
        """What it does again and again."""
        raise NotImplementedError

    def replace(self, *, dead: bool) -> None:
        """Begin no other turn; if `dead`, do not finish the one under way, nor deliver."""
        self._over = True
        if dead:
            self.carrier.dead = True
            self._task.cancel()

    async def ended(self) -> None:
        """Wait until it is over; raises what it raised."""
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()


class Applier(Process):
    """Applies one partition of `profile.events`."""

    def __init__(self, world: World, number: int) -> None:
        super().__init__(world)
        self._world = world
        self._number = number
        self._store = world.profiles
        change = update(world.plan.currency, limits_of(SETTINGS, world.plan))
        count = tally(world.plan.contribution)
        steps = Steps(Pipeline(change, *world.look, count), Pipeline(change, count), Pipeline())
        outbox = Outbox(self.carrier, SETTINGS)
        told = ToldReader(world.log, world.ends, SETTINGS) if world.look else nothing_told
        self._runner = ProfileRunner(steps, self._store, PARTITIONS, outbox, _metrics, live(world.clock), told)
        self._runner.assigned([number])

    async def turn(self) -> None:
        applied = (await self._store.applied([self._number]))[self._number]
        if records := self._world.unread(EVENTS, self._number, applied + 1):
            most = self._chance.randint(1, 6)
            behind = await self._runner.apply([Batch(TP(EVENTS, self._number), records[:most], applied + 1)])
            assert not behind
        else:
            await self._runner.fire(0.0, [self._number])


class Decider(Process):
    """The linker, and the completer of splits beside it."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._world = world
        self._store = world.links
        plan, clock = world.plan, world.clock
        history = History(world.log, SETTINGS)
        outbox = Outbox(self.carrier, SETTINGS)
        flow = Flow([TP(EVENTS, number) for number in range(PARTITIONS)], world.ends, world.profiles, lambda: True)
        flow.is_over = lambda: self._over
        self._linker = Linker(
            self._store,
            outbox,
            history,
            plan,
            SETTINGS,
            _metrics,
            clock,
            flow.until_applied,
            lambda: world.chance.randint(1, 9),
        )
        commands = CommandSender(self.carrier, SETTINGS)
        self._splits = SplitCompleter(world.profiles, self._store, commands, history, SETTINGS, plan)
        self._linker.assigned(mine=True)
        self._splits.assigned(mine=True)

    async def turn(self) -> None:
        await self._linker.tick()
        await self._splits.tick()
        applied = (await self._store.state()).applied
        if records := self._world.unread(LINKS, 0, applied + 1):
            await self._linker.handle(records[: self._chance.randint(1, self._world.requests)], applied + 1)

    def replace(self, *, dead: bool) -> None:
        super().replace(dead=dead)
        self._splits.assigned(mine=False)

    async def ended(self) -> None:
        await self._splits.close()
        await super().ended()


class World:
    """All of it.

    Args:
        plan: identity rules.
        chance: says how long everything takes.
        look: steps that customers are taken through besides.
    """

    def __init__(self, plan: Plan, chance: random.Random, look: Sequence[Callable[[Work], None]] = ()) -> None:
        self.plan = plan
        self.look = look
        self.chance = chance
        self.clock: Clock = _Passing() if look else SteppedClock(2000.0)
        topics = {EVENTS: PARTITIONS, CHANGES: PARTITIONS, **dict.fromkeys(TOLD, PARTITIONS), LINKS: 1, NEWS: 1}
        self.log = MemoryLog(topics, self.clock)
        self.links = MemoryLinkStore()
        self.profiles = MemoryStore(plan.namespace, PARTITIONS, self.links)
        self.processes: list[Process] = []
        self.requests = 3  # that the linker is handed at once, at most
        self.slow = (
            False  # whether anybody has gone on beside a successor, and so may have told older news behind newer
        )
        self._replaced: list[Process] = []
        self._sources = 0

    def start(self) -> None:
        """Let everybody begin to work."""
        self.processes = [*(Applier(self, number) for number in range(PARTITIONS)), Decider(self)]

    async def stop(self) -> None:
        """Kill everybody."""
        for process in self.processes:
            process.replace(dead=True)
        for process in [*self.processes, *self._replaced]:
            await process.ended()
        self.processes, self._replaced = [], []

    def replace_somebody(self) -> None:
        """Another process takes over from one that was killed or, what it cannot know, from one that is only slow."""
        number = self.chance.randrange(len(self.processes))
        process = self.processes[number]
        dead = self.chance.random() < 0.7
        self.slow |= not dead
        process.replace(dead=dead)
        self._replaced.append(process)
        self.processes[number] = Decider(self) if isinstance(process, Decider) else Applier(self, number)

    async def some_time(self) -> None:
        """Let some time pass; perhaps somebody is killed."""
        if self.chance.random() < 0.1:
            self.replace_somebody()
        await asyncio.sleep(self.chance.choice((0.0, 0.1, LONGEST)))

    async def settle(self) -> None:
        """Let everything come to rest."""
        loop, rest, seen = asyncio.get_running_loop(), 0, 0
        until = loop.time() + NEVER
        while rest < 8:
            assert loop.time() < until, "it does not come to rest"
            await asyncio.sleep(LONGEST)
            ends = sum(
                [extent.end for topic in (EVENTS, CHANGES, LINKS, NEWS) for extent in await self.log.extents(topic)]
            )
            rest = rest + 1 if ends == seen and not await self.links.splitting() else 0
            seen = ends

    async def happen(
        self,
        id_: str,
        time: float,
        identities: Sequence[Identity],
        type: str = "page",
        source: str = "web",
        group: Grouping | None = None,
    ) -> Event:
        """An event goes through ingest; nothing comes of it if its customer is erased."""
        home = self.plan.home(identities[0])
        event = Event(home, id_, source, type, "Home", "visit", time, time, list(identities), group=group)
        if zlib.crc32(id_.encode()) % 4 == 0:
            event.traits = {"name": f"Somebody {id_}"}
        if zlib.crc32(id_.encode()) % 3 == 0:
            event.shown = {"title": f"Page {id_}", "price": [499, "EUR"]}
        if await self.is_erased(home):
            return event
        event.origin = ("events.web", 0, self._sources)
        self._sources += 1
        await self.log.produce([Row(EVENTS, partition_of(home, PARTITIONS), b"", _encode(event))])
        stated = [one for one in identities[1:] if type == "identify" and one[0] in self.plan.keeps_last]
        _, contested = await self.links.met([], stated)
        if contested or len(set((await self.owners(identities)).values())) > 1:
            await self.ask(LinkRequest(list(identities), time, source, id_, stated=type == "identify"))
        return event

    async def decide(self, command: Record) -> None:
        """A person decides about one document."""
        await self.log.produce([Row(EVENTS, partition_of(command.profile, PARTITIONS), b"", _encode(command))])

    async def ask(self, request: Request) -> None:
        """Ask the linker."""
        await self.log.produce([Row(LINKS, 0, b"", _encode(request))])

    async def owners(self, identities: Iterable[Identity]) -> dict[Identity, str]:
        """The profile that each identity belongs to."""
        everybody = list(identities)
        linked = await self.links.profiles_of(everybody)
        return {identity: linked.get(identity) or self.plan.home(identity) for identity in everybody}

    async def linked(self, identities: Iterable[Identity]) -> Mapping[str, Linked]:
        """What is linked to each profile that one of these may belong to."""
        return await self.links.linked_to(sorted({self.plan.home(identity) for identity in identities}))

    async def is_erased(self, home: str) -> bool:
        """Whether the customer of a home was erased."""
        return bool(await self.links.suppressed([suppression(self.plan.pii_key, home)]))

    async def ends(self, partitions: Collection[TP]) -> dict[TP, int]:
        """Where partitions end."""
        return {tp: self.log.held(TopicPartition(*tp)).end for tp in partitions}

    def everybody(self) -> dict[str, Profile]:
        """Every profile, tombstones too."""
        return {
            id_: decode_profile(id_, document)
            for number in range(PARTITIONS)
            for id_, document in self.profiles.partition(number).documents.items()
        }

    def values(self, topic: str) -> list[bytes]:
        """The values of a topic's records, those of one partition in order."""
        return [
            record.value
            for number in range(PARTITIONS)
            for record in self.log.held(TopicPartition(topic, number)).records
        ]

    def unread(self, topic: str, number: int, offset: int) -> list[ConsumerRecord]:
        """The records of a partition from an offset on."""
        return [at for at in self.log.held(TopicPartition(topic, number)).records if at.offset >= offset]
