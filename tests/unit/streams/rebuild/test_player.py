"""History played again: as a load would have gone, whatever order the archive has it in."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import msgspec
import pytest

from models.config import ChurnConfig
from models.durations import DAY
from models.labels.examples import ModelCommand
from models.learning.learner import Learner
from models.population.findings import Findings
from plan import Plan, load_plan
from profiles.clock import ClockState
from profiles.documents import decode_profile
from profiles.stores.memory import MemoryCensusStore, MemoryStore
from profiles.types import AlertCommand, Event, Profile, Record, partition_of
from streams.rebuild.player import Player
from streams.rebuild.spool import Spool, Timed
from streams.settings import Settings
from tests import REPOSITORY
from tests.build import T0, event

CHURN = ChurnConfig(horizon="8w", label_horizon="2w", snapshot_every="2w", panel=2, min_examples=60, min_class=5)
PLAN = Plan(load_plan(REPOSITORY / "tracking_plan.yaml", {}).file.model_copy(update={"churn": CHURN}))
DAYS = 150
NOW = T0 + DAYS * DAY

_encode = msgspec.msgpack.Encoder().encode


def history() -> list[Record]:
    """Customers with habits of their own, some of whom fall silent; people deal with an alert of one."""
    chance = random.Random(5)
    found: list[Record] = []
    for number in range(50):
        id_, gap = f"c{number}", chance.choice((4, 9, 20))
        day, until = chance.uniform(0, 30), chance.choice((60, 100, DAYS))
        while day < until:
            found.append(event("purchase", day, profile=id_, id=f"{id_}-{day}", amount=chance.randrange(500, 20_000)))
            day += chance.expovariate(1 / gap)
    return [*found, AlertCommand("c1", "", "", T0 + 70 * DAY)]


class Played:
    """What came of it."""

    def __init__(self, partitions: int, records: list[Record], decisions: tuple[ModelCommand, ...] = ()) -> None:
        self.profiles: dict[str, Profile] = {}
        self.told = 0
        asyncio.run(self._play(partitions, records, decisions))

    async def _play(self, partitions: int, records: list[Record], decisions: tuple[ModelCommand, ...]) -> None:
        store = MemoryStore(PLAN.namespace, partitions)
        census = MemoryCensusStore(store)
        player = Player(store, census, Settings(topic_prefix="", partitions=partitions), PLAN, NOW, self._tell)
        with Spool(run=20_000) as spool:
            for record in records:
                whose = partition_of(record.profile, partitions)
                if isinstance(record, Event):  # as its home has sent it on
                    record = msgspec.structs.replace(record, home=record.profile)  # noqa: PLW2901
                spool.add(Timed(record.time, whose, _encode(record)))
            self.clock: ClockState = await player.play(spool.in_order(), decisions)
        learned = await player.learned()
        self.learner = Learner.from_parts(learned.parts, CHURN, NOW) if learned.parts else Learner(CHURN)
        raw = await census.findings()
        self.findings = Findings.from_json(raw) if raw else Findings()
        for number in range(partitions):
            held = store.partition(number)
            assert not held.outbox
            self.profiles |= {id_: decode_profile(id_, document) for id_, document in held.documents.items()}

    def _tell(self, count: int) -> None:
        self.told += count

    def timeless(self) -> dict[str, Any]:
        return {
            id_: (
                held.stages, held.stage, held.stage_since, {name: stay.since for name, stay in held.segments.items()},
                {rule: (one.state, one.opened, one.found, one.untold) for rule, one in held.alerts.items()},
                [(one.at, one.due, one.full, one.treated) for one in held.snapshots], held.purchases.orders,
            )
            for id_, held in self.profiles.items()
        }  # fmt: skip


@pytest.mark.slow
def test_it_is_the_same_in_any_order_and_any_number_of_partitions() -> None:
    """Stages with their times, segments, alerts, labels, models, ranks; and the clock stands where workers arrive."""
    records = history()
    one = Played(1, records)
    assert one.told == len(records)
    assert one.learner.counts.short > 100
    assert one.learner.counts.treated > 0
    assert one.findings.population.version > 2
    stages = {stage for held in one.profiles.values() for stage, _ in held.stages}
    assert {"new", "active"} <= stages
    assert {held.stage for held in one.profiles.values()} > {"churned"}
    alerts = [alert for held in one.profiles.values() for alert in held.alerts.values()]
    assert alerts
    assert {(alert.found, alert.untold) for alert in alerts} == {("load", True)}
    assert (one.clock.phase, one.clock.whole) == ("filling", True)
    assert NOW - 2 * 3600 < one.clock.gate <= NOW
    assert all(held.scheduled_at > 0 for held in one.profiles.values())

    other = Played(5, random.Random(1).sample(records, len(records)))
    assert other.timeless() == one.timeless()
    assert other.learner.counts == one.learner.counts
    assert other.learner.panel().to_json() == one.learner.panel().to_json()
    assert other.findings.population.customers == one.findings.population.customers


@pytest.mark.slow
def test_what_people_decided_about_the_models_stands() -> None:
    """At its time, among what was learned then."""
    command = ModelCommand("m", "promote", "rules", T0 + 100 * DAY, "kim")
    learner = Played(1, history(), (command,)).learner
    assert learner.promotion.pinned
    assert learner.promotion.champion == "rules"


def test_what_has_only_just_happened_waits_for_workers() -> None:
    """Nobody is looked at here; and of nothing comes a new clock."""
    found = Played(2, [event("visit", DAYS - 0.01, profile="a")])
    assert found.clock.phase == "filling"
    assert NOW - 0.01 * DAY <= found.clock.gate <= NOW
    assert found.profiles["a"].scheduled_at == found.clock.gate
    assert not found.profiles["a"].stage
    assert Played(1, []).clock == ClockState()
