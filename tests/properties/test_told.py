"""A store that is set back at any moment: what others were told stays true, and nobody is told anything twice."""

from __future__ import annotations

import asyncio
import copy
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
import pytest
from faust.types import TP
from prometheus_client import CollectorRegistry
from redis.exceptions import ConnectionError as RedisConnectionError

from models.cases.decisions import ACTIONS
from models.churn.panel import Panel
from models.conditions.rules import AlertRule
from models.durations import DAY
from models.population.snapshot import PopulationSnapshot
from plan import Plan, load_plan
from plan.model import GroupSpec
from profiles.cases.joining import OVER
from profiles.clock import ClockState, Phase
from profiles.store import Changes
from profiles.stores.memory import MemoryStore
from profiles.stores.memory.clock import MemoryClockStore
from profiles.types import (
    Absorb,
    AlertCommand,
    Erase,
    Event,
    Grouping,
    Join,
    Merge,
    Profile,
    Record,
    Split,
    is_company,
    partition_of,
)
from streams.clock import SteppedClock
from streams.identity.split import fold
from streams.kafka.memory import MemoryLog
from streams.kafka.outbox import Outbox
from streams.kafka.output import Row
from streams.kafka.transport.batch import Batch
from streams.metrics import WorkerMetrics
from streams.pipeline import backlog_pipeline, limits_of, profile_pipeline, review_pipeline
from streams.settings import Settings
from streams.worker.clock.follower import ClockFollower
from streams.worker.profiles import ProfileRunner, Steps
from streams.worker.told import ToldReader
from tests import REPOSITORY
from tests.build import T0, event
from tests.outputs import TOLD_WRONGLY, wrong_outputs

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})
_QUIET = AlertRule.model_validate(
    {"name": "firm_is_quiet", "grain": "company", "when": {"since": "purchase", "more_than": "9d"}, "cooldown": "4d"}
)
_OF_FIRMS = {"groups": {"company": GroupSpec()}, "alerts": [*PLAN.file.alerts, _QUIET]}
WITH_FIRMS = Plan(PLAN.file.model_copy(update=_OF_FIRMS))
FIRMS = ["acme", "bolt", "corp"]
EVENTS, CHANGES, ALERTS, CASES = "profile.events", "segment.changes", "alerts", "cases"
CUSTOMERS = [f"c{number}" for number in range(12)]
DAYS = 120

_metrics = WorkerMetrics(CollectorRegistry())


class Installation:
    """Partitions, their log and clock. The store can be set back, and the worker be another one after that."""

    def __init__(self, chance: random.Random, partitions: int = 1, plan: Plan = PLAN) -> None:
        self._chance = chance
        self._plan = plan
        self._settings = Settings(partitions=partitions)
        self._numbers = list(range(partitions))
        self.clock = SteppedClock(T0)
        topics = (EVENTS, CHANGES, ALERTS, CASES, "profile.changes")
        self.log = MemoryLog({**dict.fromkeys(topics, partitions), "training.examples": 1}, self.clock)
        self.store = MemoryStore(plan.namespace, partitions)
        is_live = ClockState(phase="live")
        self._clocks = MemoryClockStore(is_live)
        self.follower = ClockFollower(self._clocks, self.clock, is_live)
        self.runner = self._worker()

    def _worker(self) -> ProfileRunner:
        plan, panel = self._plan, Panel.cold(self._plan.churn)
        runner = ProfileRunner(
            Steps(
                profile_pipeline(plan, self._settings, lambda: panel, PopulationSnapshot.empty),
                backlog_pipeline(plan, self._settings),
                review_pipeline(plan, PopulationSnapshot.empty),
            ),
            self.store,
            len(self._numbers),
            Outbox(self.log, self._settings),
            _metrics,
            self.follower,
            ToldReader(self.log, self._ends, self._settings, self._chance.choice((2, 10_000))),
        )
        runner.assigned(self._numbers)
        return runner

    async def _ends(self, tps: Collection[TP]) -> dict[TP, int]:
        return {tp: self.log.held(tp).end for tp in tps}

    async def happen(self, *records: Record) -> None:
        """Records come to `profile.events`."""
        rows = [(partition_of(one.profile, len(self._numbers)), msgspec.msgpack.encode(one)) for one in records]
        await self.log.produce([Row(EVENTS, partition, b"", value) for partition, value in rows])

    async def part(
        self, split: str, was: str, homes: Mapping[str, Sequence[str]], events: Mapping[str, Sequence[Event]]
    ) -> None:
        """A profile is taken apart: here are the homes of each, and all that has come to those."""
        now, limits = self.clock.now(), limits_of(self._settings, self._plan)
        winners = {home: owner for owner, theirs in homes.items() for home in theirs}
        identities = {owner: [("user_id", home) for home in theirs] for owner, theirs in homes.items()}
        await self.happen(Split(was, "reset", split, was, now, winners, identities))
        await self.apply()
        for owner, theirs in homes.items():
            state = fold(owner, copy.deepcopy([one for home in theirs for one in events[home]]), PLAN.currency, limits)
            await self.happen(Absorb(owner, f"{split}:{owner}", now, msgspec.msgpack.encode(state), split=split))
        await self.work()

    async def apply(self) -> None:
        """Apply what is there, in batches, some partitions ahead of others; and what is sent because of it."""
        while waiting := await self._waiting():
            some = [one for one in waiting if len(waiting) == 1 or self._chance.random() < 0.7]
            await self.runner.apply(some)
            if len(waiting) < len(self._numbers):
                await self.runner.close()  # it is in the log then

    async def _waiting(self) -> list[Batch]:
        applied = await self.store.applied(self._numbers)
        found = []
        for number in self._numbers:
            tp, first = TP(EVENTS, number), applied.get(number, -1) + 1
            if some := self.log.held(tp).records[first : first + self._chance.randint(1, 4)]:
                found.append(Batch(tp, some, first))
        return found

    async def work(self) -> None:
        """Apply what is there, and fire what is due."""
        await self.apply()
        while await self.runner.fire(self.follower.now()) or await self._waiting():
            await self.apply()
        await self.runner.close()

    async def go_to(self, phase: Phase, gate: float) -> None:
        """The clock is moved, ahead or back."""
        state = msgspec.structs.replace(await self._clocks.state(), phase=phase, gate=gate)
        await self.follower.take(await self._clocks.commit(state))

    def set_back(self, partitions: list[object], *, dies: bool) -> None:
        """The store is again what it was."""
        self.store._partitions = copy.deepcopy(partitions)  # type: ignore[assignment]
        if dies:
            self.runner = self._worker()

    def told(self, topic: str) -> list[bytes]:
        """The values of a topic, its partitions in any order."""
        order = self._chance.sample(self._numbers, len(self._numbers))
        return [record.value for number in order for record in self.log.held(TP(topic, number)).records]

    async def profiles(self) -> dict[str, Profile]:
        everybody = [*CUSTOMERS, *map(self._plan.company, FIRMS)] if self._plan.group else CUSTOMERS
        found = [await self.store.fetch(number, everybody) for number in self._numbers]
        return {id_: one for part in found for id_, one in part.items() if not one.redirect}

    async def wrong(self) -> list[tuple[str, str]]:
        """What others believe that is not so."""
        told = [self.told(topic) for topic in (CHANGES, ALERTS, CASES)]
        return list(wrong_outputs(*told, await self.profiles()))


async def life(chance: random.Random, *, lose: bool) -> Installation:
    """Some months of some customers, with people who decide, merges and, with `lose`, a store that forgets."""
    one = Installation(chance)
    silent = {customer: chance.uniform(10, 0.7 * DAYS) for customer in CUSTOMERS}
    merges = {40: ("c3", "c4"), 71: ("c4", "c5")}
    for day in range(DAYS):
        one.clock.advance(DAY)
        for customer in CUSTOMERS:
            if day < silent[customer] and chance.random() < 0.3:
                amount = chance.randrange(500, 30_000)
                await one.happen(event("purchase", day, profile=customer, id=f"{customer}-{day}", amount=amount))
        if day in merges:
            loser, winner = merges[day]
            await one.happen(Merge(loser, winner, one.clock.now(), [("user_id", loser)]))
        await one.work()
        before = copy.deepcopy(one.store._partitions)
        await one.happen(*decisions(chance, one.clock.now(), await one.profiles()))
        for customer, profile in (await one.profiles()).items():
            for alert in profile.alerts.values():
                if alert.state == "open" and chance.random() < 0.05:
                    await one.happen(AlertCommand(customer, alert.id, "resolve", one.clock.now(), "kim", ""))
        if lose and chance.random() < 0.25:
            # What happens now is told, and then the store knows nothing of it, though the events are there.
            one.clock.advance(chance.uniform(1, 5 * DAY))
            await one.happen(event("purchase", day + 0.5, profile="c0", id=f"c0-{day}-more", amount=90_000))
            await one.work()
            one.set_back(before, dies=chance.random() < 0.5)
            one.clock.advance(chance.uniform(0.1, 3.0))
            await one.work()
    await one.work()
    return one


async def crowd(chance: random.Random, *, lose: bool) -> Installation:
    """Customers of several partitions who are silent for long, meet and are erased; what the store forgets is days."""
    one = Installation(chance, partitions=3)
    silent = {customer: chance.uniform(5, 30) for customer in CUSTOMERS}
    here = list(CUSTOMERS)
    before: list[object] | None = None
    for day in range(DAYS):
        one.clock.advance(DAY)
        for customer in CUSTOMERS:
            if day < silent[customer] and chance.random() < 0.5:
                amount = chance.randrange(5_000, 30_000)
                await one.happen(event("purchase", day, profile=customer, id=f"{customer}-{day}", amount=amount))
        if day > 20 and len(here) > 3 and chance.random() < 0.1:
            gone, other = chance.sample(here, 2)
            here.remove(gone)
            now = one.clock.now()
            await one.happen(Merge(gone, other, now, [("user_id", gone)]))
            if chance.random() < 0.2:
                here.remove(other)
                await one.happen(Erase(other, now), Erase(gone, now))
        await one.happen(*decisions(chance, one.clock.now(), await one.profiles()))
        await one.work()
        if lose and before is None and chance.random() < 0.3:
            before = copy.deepcopy(one.store._partitions)  # type: ignore[arg-type]
        elif before is not None and chance.random() < 0.4:
            one.set_back(before, dies=chance.random() < 0.5)
            before = None
            one.clock.advance(chance.uniform(0.1, 3.0))
            await one.work()
    one.clock.advance(DAY)
    await one.work()
    return one


async def firms(chance: random.Random, *, lose: bool) -> Installation:
    """Companies of customers who meet; one counts for another for some time, one is erased, all fall silent."""
    one = Installation(chance, 3, WITH_FIRMS)
    acme, bolt, corp = map(WITH_FIRMS.company, FIRMS)
    silent = {customer: chance.uniform(5, 60) for customer in CUSTOMERS}
    before: list[object] | None = None
    for day in range(100):
        one.clock.advance(DAY)
        now = one.clock.now()
        for number, customer in enumerate(CUSTOMERS):
            if day < silent[customer] and chance.random() < 0.1:
                at = {"id": f"{customer}-{day}", "amount": chance.randrange(5_000, 30_000)}
                of = Grouping(FIRMS[number % 3])
                await one.happen(event("purchase", day, profile=customer, group=of, **at))
        if day == 30:
            await one.happen(Merge("c3", "c4", now, [("user_id", "c3")]))
        if day in (45, 65):
            target, into = (bolt, "bolt") if day == 45 else ("", "")
            await one.happen(Join(acme, "acme", target, into, now, "kim", "one house"))
        if day == 80:
            await one.happen(Erase(corp, now))
        await one.happen(*decisions(chance, now, await one.profiles()))
        await one.work()
        if lose and before is None and chance.random() < 0.3:
            before = copy.deepcopy(one.store._partitions)  # type: ignore[arg-type]
        elif before is not None and chance.random() < 0.4:
            one.set_back(before, dies=chance.random() < 0.5)
            before = None
            one.clock.advance(chance.uniform(0.1, 3.0))
            await one.work()
        if 45 <= day < 65:
            held = (await one.profiles())[acme].case
            assert held is None or held.state in OVER, "it counts for another one"
    await one.work()
    return one


async def parted(chance: random.Random, *, lose: bool) -> Installation:
    """Customers who are silent for long, meet and part again; what the store forgets is a split."""
    one = Installation(chance, partitions=3)
    silent = {customer: chance.uniform(5, 60) for customer in CUSTOMERS}
    homes = {customer: [customer] for customer in CUSTOMERS}  # by profile
    events: dict[str, list[Event]] = {customer: [] for customer in CUSTOMERS}  # by home
    for day in range(DAYS):
        one.clock.advance(DAY)
        for customer in CUSTOMERS:
            if day < silent[customer] and chance.random() < 0.5:
                amount = chance.randrange(5_000, 30_000)
                events[customer].append(event("purchase", day, profile=customer, id=f"{customer}-{day}", amount=amount))
                await one.happen(events[customer][-1])
        now = one.clock.now()
        if day > 20 and len(homes) > 3 and chance.random() < 0.2:
            gone, other = chance.sample(sorted(homes), 2)
            homes[other] += homes.pop(gone)
            await one.happen(Merge(gone, other, now, [("user_id", gone)]))
        await one.work()
        before = copy.deepcopy(one.store._partitions)
        several = sorted(profile for profile, each in homes.items() if len(each) > 1)
        if several and chance.random() < 0.2:
            one.clock.advance(1.0)
            was = chance.choice(several)
            out = chance.choice([home for home in homes[was] if home != was])
            homes[was].remove(out)
            homes[out] = [out]
            await one.part(f"s{day}", was, {owner: homes[owner] for owner in (was, out)}, events)
            if lose and chance.random() < 0.5:
                one.clock.advance(chance.randrange(7, 192) / 64)  # to the microsecond, as the wall clock is
                await one.work()
                one.set_back(before, dies=chance.random() < 0.5)
                one.clock.advance(chance.randrange(7, 192) / 64)
                await one.work()
    one.clock.advance(DAY)
    await one.work()
    return one


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("lose", [False, True])
def test_what_was_told_of_companies_stays_true_and_is_told_once(seed: int, lose: bool) -> None:
    """Of the case of one that counts for another: that it ended; of the same one once the word is taken back."""

    async def story() -> tuple[Installation, list[tuple[str, str]]]:
        one = await firms(random.Random(seed), lose=lose)
        return one, await one.wrong()

    one, wrong = asyncio.run(story())
    assert not wrong
    acme, _, corp = map(WITH_FIRMS.company, FIRMS)
    of_firms = [case for value in one.told(CASES) if is_company((case := json.loads(value)["case"])["profile"])]
    assert len({case["profile"] for case in of_firms}) > 1
    last = {case["profile"]: case for case in sorted(of_firms, key=lambda case: str(case["changed"]))}
    assert last[acme]["state"] in ("new", "acknowledged", "snoozed", "resolved")
    assert last.get(corp, {"state": "erased"})["state"] == "erased"
    rows = {row.profile: row for row in asyncio.run(one.store.cases())}
    assert (acme in rows) == (last[acme]["state"] != "resolved")
    assert corp not in rows


def decisions(chance: random.Random, now: float, profiles: Mapping[str, Profile]) -> list[AlertCommand]:
    """What people decide on some cases; the clocks of some are behind."""
    found = []
    for customer, profile in profiles.items():
        case = profile.case
        if case is not None and case.state in ("new", "acknowledged") and chance.random() < 0.1:
            time = now - chance.choice((0.0, 3600.0))
            decision = AlertCommand(customer, "", chance.choice(ACTIONS), time, "kim", case=case.id)
            decision.until, decision.outcome, decision.note = now + 5 * DAY, "wrong", chance.choice(("", "called"))
            found.append(decision)
    return found


async def past(chance: random.Random, *, lose: bool) -> Installation:
    """The same of a history that is gone through, to and fro: with the store its clock is set back."""
    one = Installation(chance)
    silent = {customer: chance.uniform(10, 0.7 * DAYS) for customer in CUSTOMERS}
    merges = {40: ("c3", "c4"), 71: ("c4", "c5")}
    one.clock.advance(2 * DAYS * DAY)
    kept: list[tuple[int, list[object]]] = []  # steps, and the store at the end of each
    step = sent = 0
    while step < DAYS:
        gate = T0 + (step + 1) * DAY
        await one.go_to("filling", gate)
        for day in range(sent, step + 1):
            for customer in CUSTOMERS:
                if day < silent[customer] and chance.random() < 0.3:
                    amount = chance.randrange(500, 30_000)
                    await one.happen(event("purchase", day, profile=customer, id=f"{customer}-{day}", amount=amount))
            if day in merges:
                loser, winner = merges[day]
                await one.happen(Merge(loser, winner, T0 + day * DAY, [("user_id", loser)]))
        sent = max(sent, step + 1)
        await one.apply()
        await one.go_to("firing", gate)
        await one.work()
        kept = [*kept[-8:], (step + 1, copy.deepcopy(one.store._partitions))]  # type: ignore[arg-type]
        step += 1
        if lose and chance.random() < 0.15:
            step, before = chance.choice(kept)
            kept = [(at, store) for at, store in kept if at <= step]
            one.set_back(before, dies=chance.random() < 0.5)
    await one.go_to("arriving", T0 + DAYS * DAY)
    await one.work()
    assert await one.runner.arrive(T0 + DAYS * DAY)
    await one.go_to("live", 0.0)
    await one.work()
    return one


Day = tuple[int, str, bool]
"""UTC day, segment, whether somebody entered."""


async def moves(one: Installation) -> tuple[Counter[Day], Counter[Day]]:
    """Who entered and left on the latest thirty days: as the store has counted, and as others were told."""
    told = {change["id"]: change for change in map(json.loads, one.told(CHANGES))}
    moved = Counter(
        (int(datetime.fromisoformat(change["at"]).timestamp() // DAY), change["segment"], change["change"] == "entered")
        for change in told.values()
    )
    last = max(day for day, _, _ in moved)
    days = range(last - 29, last + 1)
    counted: Counter[Day] = Counter()
    for segment, each in (await one.store.segment_moves(days)).items():
        for day, (entered, left) in zip(days, each, strict=True):
            counted += Counter({(day, segment, True): entered, (day, segment, False): left})
    return counted, Counter({each: number for each, number in moved.items() if each[0] in days})


def balance(moved: Counter[Day], each: Day) -> int:
    """How many more entered a segment than left it, over all days."""
    return sum(number * (1 if entered else -1) for (_, name, entered), number in moved.items() if name == each[1])


@pytest.mark.parametrize("seed", [*range(5), 303])
@pytest.mark.parametrize(
    ("lived", "lose"),
    [(life, False), (life, True), (past, True), (crowd, False), (crowd, True), (parted, False), (parted, True)],
)
def test_what_was_told_stays_true_and_is_told_once(
    lived: Callable[..., Awaitable[Installation]], seed: int, lose: bool
) -> None:
    async def story() -> tuple[Installation, list[tuple[str, str]]]:
        one = await lived(random.Random(seed), lose=lose)
        return one, await one.wrong()

    one, wrong = asyncio.run(story())
    assert not wrong
    assert sum(json.loads(value)["alert"]["state"] == "open" for value in one.told(ALERTS)) > 1
    assert sum(json.loads(value)["case"]["state"] == "new" for value in one.told(CASES)) > 1
    if lived in (crowd, parted):
        return
    counted, moved = asyncio.run(moves(one))
    if lose:  # of what happened to and fro in a time that the store has lost, it knows the outcome only
        assert {each: balance(counted, each) for each in moved} == {each: balance(moved, each) for each in moved}
        assert counted <= moved
    else:
        assert counted == moved


def test_who_met_and_parted_in_what_is_lost_has_the_alerts_that_were_told_then() -> None:
    """They come with the customer's later life, not with the one that the store goes back to and that ends again."""

    async def story() -> tuple[Installation, int]:
        one = Installation(random.Random(1), partitions=3)
        events = {
            name: [event("purchase", day, profile=name, id=f"{name}-{day}", amount=20_000) for day in range(0, 40, 2)]
            for name in ("c1", "c2")
        }
        for day in range(20):
            await one.happen(*(bought[day] for bought in events.values()))
            one.clock.advance(2 * DAY)
            await one.work()
        before = copy.deepcopy(one.store._partitions)
        await one.happen(Merge("c1", "c2", one.clock.now(), [("user_id", "c1")]))
        await one.work()
        one.clock.advance(1.0)
        await one.part("s", "c2", {"c1": ["c1"], "c2": ["c2"]}, events)
        for _ in range(60):
            one.clock.advance(DAY)
            await one.work()
        told = len(one.told(ALERTS))
        one.set_back(before, dies=False)  # type: ignore[arg-type]
        one.clock.advance(1.0)
        await one.work()
        assert not await one.wrong()
        return one, told

    one, told = asyncio.run(story())
    assert told == len(one.told(ALERTS)) > 1


def test_what_was_told_of_somebody_whom_no_event_brings_back_is_taken_back() -> None:
    """The events are gone from Kafka as well."""

    async def story() -> tuple[Installation, list[tuple[str, str]]]:
        before = Installation(random.Random(1))
        for day in range(0, 70, 7):
            await before.happen(event("purchase", day, profile="c0", id=f"c0-{day}", amount=90_000))
        before.clock.advance(200 * DAY)
        await before.work()
        assert (await before.profiles())["c0"].alerts

        after = Installation(random.Random(1))
        for topic in (CHANGES, ALERTS, CASES):
            await after.log.produce([Row(topic, 0, b"c0", value) for value in before.told(topic)])
        after.clock.advance(201 * DAY)
        await after.work()
        return after, await after.wrong()

    after, wrong = asyncio.run(story())
    assert not wrong
    assert json.loads(after.told(CHANGES)[-1])["reason"] == "lost"
    assert json.loads(after.told(ALERTS)[-1])["alert"]["note"] == "its events are lost"
    lost = json.loads(after.told(CASES)[-1])["case"]
    assert lost["state"] == "cleared"
    assert "its events are lost" in [entry["text"] for entry in lost["history"]]


def test_a_withdrawal_whose_answer_was_lost_is_made_once() -> None:
    """It is known when the store is read again; nothing is left to take back then."""

    async def story() -> tuple[list[bytes], int]:
        one = Installation(random.Random(1))
        row = {"id": "1", "profile": "c0", "segment": "vip", "change": "entered", "at": "2023-11-14T22:13:20.000000Z"}
        await one.log.produce([Row(CHANGES, 0, b"c0", json.dumps(row).encode())])
        commit, failures = one.store.commit_many, iter((True, False))

        async def loses_its_answer(batch: Sequence[tuple[int, Changes]]) -> list[int | Exception]:
            answers = await commit(batch)
            if next(failures, False):
                raise RedisConnectionError("gone")
            return answers

        one.store.commit_many = loses_its_answer  # type: ignore[method-assign]
        one.clock.advance(DAY)
        await one.work()
        return one.told(CHANGES), one.store.partition(0).version

    changes, version = asyncio.run(story())
    assert [json.loads(value)["change"] for value in changes] == ["entered", "exited"]
    assert version == 1


class Slow(MemoryLog):
    """A Kafka that one worker waits for."""

    def __init__(self, log: MemoryLog) -> None:
        self._log, self.there = log, asyncio.Event()
        self.there.set()

    async def produce(self, rows: Iterable[Row]) -> dict[tuple[str, int], int]:
        await self.there.wait()
        return await self._log.produce(rows)


@pytest.mark.parametrize("known", [False, True])
def test_what_is_told_after_others_have_taken_over_a_store_that_was_set_back_is_mended(known: bool) -> None:
    """Whoever had looked before the late word came has told the same by then; but the last word is right, and no alert
    stays open that nobody holds."""

    async def story() -> list[tuple[str, str]]:
        one = Installation(random.Random(1))
        log, one.log = one.log, (slow := Slow(one.log))
        late = one.runner = one._worker()
        one.log = log
        for day in range(0, 70, 7):
            await one.happen(event("purchase", day, profile="c0", id=f"c0-{day}", amount=90_000))
        one.clock.advance(70 * DAY)
        await one.work()
        before = copy.deepcopy(one.store._partitions)
        slow.there.clear()
        one.clock.advance(130 * DAY)  # c0 is silent for that long
        await late.fire(one.clock.now())
        one.set_back(before, dies=True)
        if known:
            one.clock.advance(1.0)
        else:
            one.clock.advance(-129 * DAY)
        await one.work()
        slow.there.set()
        await late.close()
        await one.runner.listen()
        one.clock.advance(150 * DAY)
        await one.work()
        return await one.wrong()

    wrong = asyncio.run(story())
    assert [kind for kind, _ in wrong if kind == TOLD_WRONGLY] == []
    assert known or not wrong
