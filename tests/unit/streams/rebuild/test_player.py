"""History played again: as a load would have gone, whatever order the archive has it in."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import msgspec
import pytest

from models.config import ChurnConfig
from models.durations import DAY
from models.labels.examples import ModelCommand, Of
from models.learning.learners import Learners
from models.population.findings import Findings
from plan import Plan, load_plan
from plan.model import GroupSpec
from profiles.clock import ClockState
from profiles.documents import decode_profile
from profiles.stores.memory import MemoryCensusStore, MemoryStore
from profiles.types import AlertCommand, Event, Grouping, Profile, Record, is_company, partition_of
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

    def __init__(
        self,
        partitions: int,
        records: list[Record],
        decisions: tuple[ModelCommand | Of, ...] = (),
        plan: Plan = PLAN,
    ) -> None:
        self.profiles: dict[str, Profile] = {}
        self.told = 0
        self._plan = plan
        asyncio.run(self._play(partitions, records, decisions))

    async def _play(self, partitions: int, records: list[Record], decisions: tuple[ModelCommand | Of, ...]) -> None:
        plan = self._plan
        store = MemoryStore(plan.namespace, partitions)
        census = MemoryCensusStore(store)
        player = Player(store, census, Settings(topic_prefix="", partitions=partitions), plan, NOW, self._tell)
        with Spool(run=20_000) as spool:
            for record in records:
                whose = partition_of(record.profile, partitions)
                if isinstance(record, Event):  # as its home has sent it on
                    record = msgspec.structs.replace(record, home=record.profile)  # noqa: PLW2901
                spool.add(Timed(record.time, whose, _encode(record)))
            self.clock: ClockState = await player.play(spool.in_order(), decisions)
        learned = await player.learned()
        self.learners = Learners.from_parts(learned.parts, plan.churn, NOW)
        self.learner = self.learners.own
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


def test_the_learner_has_all_that_was_told_in_the_last_step_and_decided_since() -> None:
    """Workers go on behind it, and read none of it again."""
    orders = [event("purchase", DAYS - 5, profile=f"c{number}", id=f"{number}", amount=900) for number in range(1000)]
    found = Played(1, orders, (ModelCommand("m", "promote", "rules", NOW - 60, "kim"),))
    taken = [one.at for held in found.profiles.values() for one in held.snapshots]
    assert found.clock.watermark in taken
    assert found.learner.counts.summaries == len(taken)
    assert found.learner.promotion.pinned == "kim"


def visits() -> list[Record]:
    """Subscribers who come every other day until they lose interest; a third of those then cancel."""
    chance = random.Random(7)
    found: list[Record] = []
    for number in range(20):
        id_, until = f"v{number}", chance.choice((100, 110, DAYS))
        found.append(event("subscription_start", chance.uniform(80, 90), profile=id_, subject="s"))
        day = found[-1].time / DAY - T0 / DAY
        while day < until:
            found.append(event("visit", day, profile=id_, id=f"{id_}-{day}"))
            day += chance.expovariate(0.5)
        if number % 3 == 0 and until < DAYS:
            found.append(event("subscription_cancel", until + 5, profile=id_, subject="s"))
    return found


@pytest.mark.slow
def test_further_definitions_of_churn_come_out_the_same_as_well_and_nobody_has_ordered() -> None:
    """Their scores, stages, labels and models; and a person's decision about one of them."""
    definitions = (
        {"name": "unseen", "ends_by": {"no": "visit"}, "horizon": "4w", "label_horizon": "1w", "snapshot_every": "1w"},
        {"name": "cancels", "ends_by": {"subscription": "ended"}, "horizon": "4w", "snapshot_every": "1w"},
    )
    churn = CHURN.changed({"definitions": definitions})
    plan = Plan(PLAN.file.model_copy(update={"churn": churn}))
    decision = Of("cancels", ModelCommand("m", "promote", "rules", T0 + 130 * DAY, "kim"))

    def told(played: Played) -> dict[str, Any]:
        return {
            id_: {
                name: (one.stage, one.stage_since, one.score, one.signs, [(two.at, two.due) for two in one.snapshots])
                for name, one in (held.churns or {}).items()
            }
            for id_, held in played.profiles.items()
        }

    one = Played(1, visits(), (decision,), plan)
    other = Played(3, random.Random(1).sample(visits(), len(visits())), (decision,), plan)
    assert told(one) == told(other)
    assert one.learners.parts().keys() == other.learners.parts().keys()
    assert one.learners.panel().to_json() == other.learners.panel().to_json()

    assert one.learner.counts.short == 0
    unseen, cancels = one.learners.others["unseen"], one.learners.others["cancels"]
    assert unseen.counts.short > 80
    assert cancels.counts.short > 40
    assert cancels.promotion.pinned == "kim"
    stages = {
        name: {held[name].stage for held in (p.churns or {} for p in one.profiles.values())}
        for name in ("unseen", "cancels")
    }
    assert all({"active", "ended"} <= found for found in stages.values())


def contracts() -> list[Record]:
    """Companies of three people, a third of whom work less and less and cancel."""
    chance = random.Random(7)
    found: list[Record] = []
    for number in range(60):
        group, begins = Grouping(f"k{number}"), chance.uniform(0, 30)
        ends = chance.uniform(60, DAYS) if number % 3 == 0 else DAYS + 1
        who = f"k{number}m0"
        start = event("subscription_start", begins, profile=who, id=f"s{number}", subject="s", amount=900, group=group)
        found.append(start)
        for member in range(3):
            id_, day = f"k{number}m{member}", begins + chance.uniform(0, 7)
            while day < min(DAYS, ends - 20 * member):
                found.append(event("login", day, profile=id_, id=f"{id_}-{day}", group=group))
                day += chance.uniform(3, 7)
        if ends < DAYS:
            found.append(event("subscription_cancel", ends, profile=who, id=f"e{number}", subject="s", group=group))
    return found


@pytest.mark.slow
def test_companies_teach_the_same_in_any_order_and_any_number_of_partitions() -> None:
    """What waits on their documents, what became of them, and the scorecard that they have taught, to the byte."""
    cancels = {"name": "cancels", "ends_by": {"subscription": "ended"}, "horizon": "4w", "snapshot_every": "2w"}
    churn = ChurnConfig.model_validate({**dict(CHURN), "definitions": [cancels]})
    file = load_plan(REPOSITORY / "tracking_plan.yaml", {}).file
    plan = Plan(file.model_copy(update={"churn": churn, "groups": {"company": GroupSpec()}}))
    records = contracts()
    one = Played(1, records, plan=plan)
    companies = {id_: held for id_, held in one.profiles.items() if is_company(id_)}
    taught = one.learners.companies.taught
    assert len(companies) == 60
    assert {len(held.snapshots) for held in companies.values() if held.score} <= {2, 3}
    assert taught.labels > 200
    assert 8 <= taught.left < 60
    assert taught.skipped == 0

    other = Played(5, random.Random(1).sample(records, len(records)), plan=plan)
    assert other.timeless() == one.timeless()
    assert {id_: held.snapshots for id_, held in other.profiles.items() if is_company(id_)} == {
        id_: held.snapshots for id_, held in companies.items()
    }
    assert other.learners.companies.parts() == one.learners.companies.parts()
    assert other.learners.panel().to_json() == one.learners.panel().to_json()


def test_what_has_only_just_happened_waits_for_workers() -> None:
    """Nobody is looked at here; and of nothing comes a new clock."""
    found = Played(2, [event("visit", DAYS - 0.01, profile="a")])
    assert found.clock.phase == "filling"
    assert NOW - 0.01 * DAY <= found.clock.gate <= NOW
    assert found.profiles["a"].scheduled_at == found.clock.gate
    assert not found.profiles["a"].stage
    assert Played(1, []).clock == ClockState()
