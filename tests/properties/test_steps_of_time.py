"""A history read in steps of the clock is the same in one partition and in many, in any order within a step."""

from __future__ import annotations

import asyncio
import copy
import random
from collections import defaultdict
from typing import Any

import msgspec
import pytest

from models.churn.panel import Panel
from models.config import ChurnConfig
from models.durations import DAY
from models.labels.examples import Border, TrainingRecord
from models.labels.held import Held
from models.labels.outages import gathered
from models.learning.learner import Learner
from models.population.census import Census
from models.population.findings import Findings, conclude
from plan import Plan, load_plan
from profiles.store import ArrivalRate, Loaded
from profiles.types import Merge, Profile, Record, partition_of
from profiles.units import CensusState
from streams.kafka.topics import ALERTS, PROFILE_EVENTS, SEGMENT_CHANGES, TRAINING_EXAMPLES
from streams.pipeline import Pipeline, profile_pipeline
from streams.settings import Settings
from streams.steps.work import SENT_BITS, Work
from streams.worker.census import due_at_border, subject_of
from tests import REPOSITORY
from tests.build import event

CHURN = ChurnConfig(
    horizon="8w", label_horizon="2w", snapshot_every="2w", panel=2, min_examples=60, min_class=5, hold_out=0.1
)
PLAN = Plan(load_plan(REPOSITORY / "tracking_plan.yaml", {}).file.model_copy(update={"churn": CHURN}))
BEGIN = 1_700_006_400.0  # a border of a day
DAYS = 150
STEP = 2.0  # days

_record = msgspec.msgpack.Decoder(Record).decode
_training = msgspec.msgpack.Decoder(TrainingRecord).decode


def history() -> list[Record]:
    """Customers with habits of their own, some of whom fall silent; some turn out to be somebody else."""
    chance = random.Random(5)
    found: list[Record] = []
    for number in range(60):
        id_, gap = f"c{number}", chance.choice((4, 9, 20))
        day, until = chance.uniform(0, 30), chance.choice((60, 100, DAYS))
        while day < until:
            amount = chance.randrange(500, 20_000)
            found.append(event("purchase", day, profile=id_, id=f"{id_}-{day}", amount=amount, subject=f"{id_}-{day}"))
            found += [
                event("visit", day - chance.uniform(0, 3), profile=id_, id=f"{id_}-{day}-{n}")
                for n in range(chance.randrange(3))
            ]
            day += chance.expovariate(1 / gap)
    for loser, winner, day in (("c3", "c4", 41.3), ("c10", "c11", 73.7), ("c11", "c12", 99.1)):
        found.append(Merge(loser, winner, event("visit", day).time, [("user_id", loser)]))
    return found


class Installation:
    """All that a clock in steps moves, in memory: partitions, learner, census.

    Args:
        partitions: of the profiles.
        chance: what comes first within a step, and where batches end.
    """

    def __init__(self, partitions: int, chance: random.Random) -> None:
        self._partitions, self._chance = partitions, chance
        self.profiles: list[dict[str, Profile]] = [{} for _ in range(partitions)]
        self._rates: list[dict[str, ArrivalRate]] = [{} for _ in range(partitions)]
        self._everybody: dict[str, ArrivalRate] = {}
        self._offsets = [0] * partitions
        self._held, self.learner = Held(), Learner(CHURN)
        self._panel, self.findings, self._census = Panel.cold(CHURN), Findings(), CensusState()
        self._whole = profile_pipeline(
            PLAN, Settings(topic_prefix=""), lambda: self._panel, lambda: self.findings.population
        )
        self._filling: Pipeline[Work] = Pipeline(*self._whole.steps[:2])
        self._training: list[TrainingRecord] = []
        self.told: defaultdict[str, list[Any]] = defaultdict(list)

    async def step(self, gate: float, records: list[Record], *, arriving: bool = False) -> None:
        """Let all of a step in, fire what is due, learn, and count."""
        waiting: list[list[Record]] = [[] for _ in range(self._partitions)]
        for record in self._chance.sample(records, len(records)):
            waiting[partition_of(record.profile, self._partitions)].append(record)
        while any(waiting):
            partition = self._chance.choice([number for number, held in enumerate(waiting) if held])
            cut = self._chance.randint(1, len(waiting[partition]))
            batch, waiting[partition] = waiting[partition][:cut], waiting[partition][cut:]
            work = await self._run(self._filling, partition, gate, batch)
            for profile in work.touched.values():
                profile.scheduled_at = profile.scheduled_at if profile.redirect else gate
            for output in work.outputs:
                if output.topic == PROFILE_EVENTS and output.value is not None:
                    waiting[output.partition].append(_record(output.value))
        for _ in range(2):  # a coordinator that died in between
            self._everybody = gathered(self._everybody, self._rates, CHURN.outage)
        for partition, profiles in enumerate(self.profiles):
            due = [
                profile for profile in profiles.values() if not profile.redirect and 0 < profile.scheduled_at <= gate
            ]
            self._chance.shuffle(due)
            cut = self._chance.randint(0, len(due))
            for part in (due[:cut], due[cut:]):
                await self._run(self._whole, partition, gate, [], part, arriving=arriving)
        self._learn(gate)
        self._count(gate)

    async def _run(
        self,
        pipeline: Pipeline[Work],
        partition: int,
        gate: float,
        records: list[Record],
        due: list[Profile] | None = None,
        *,
        arriving: bool = False,
    ) -> Work:
        loaded = Loaded(profiles=self.profiles[partition], arrival_rates=self._rates[partition])
        work = Work(partition, loaded, self._partitions)
        for record in records:
            record.origin = ("profile.events", partition, self._offsets[partition] << SENT_BITS)
            self._offsets[partition] += 1
        work.begin(gate, records, due or ())
        work.gate, work.arriving, work.everybody = gate, arriving, self._everybody
        await pipeline.run(work)
        for output in work.outputs:
            if output.topic == TRAINING_EXAMPLES and output.value is not None:
                self._training.append(_training(output.value))
            elif output.topic in (ALERTS, SEGMENT_CHANGES) and output.value is not None:
                self.told[output.topic].append((output.key, output.id))
        return work

    def _learn(self, gate: float) -> None:
        self._chance.shuffle(self._training)
        for record in [*self._training, Border(gate)]:
            self.learner.take(self._held.add(record, self.learner.border))
        self._training = []
        self._panel = self.learner.panel()

    def _count(self, gate: float) -> None:
        living = [[one for one in profiles.values() if not one.redirect] for profiles in self.profiles]
        if not due_at_border(self._census, gate, sum(map(len, living))):
            return
        parts = {}
        for number, profiles in enumerate(living):
            census = Census(subject_of(PLAN), gate)
            for profile in self._chance.sample(profiles, len(profiles)):
                census.add(profile)
            parts[number] = census.summary()
        self.findings = conclude(self.findings, parts, [rule.name for rule in PLAN.segments], PLAN.currency)
        self._census = CensusState(border=gate, customers=self.findings.customers)


async def play(partitions: int, seed: int) -> Installation:
    """The whole history, up to the arrival at its end."""
    records = copy.deepcopy(history())
    installation = Installation(partitions, random.Random(seed))
    begin = min(record.time for record in records)
    gate = BEGIN - 10 * DAY
    while gate < BEGIN + DAYS * DAY:
        before, gate = gate, gate + STEP * DAY
        part = [record for record in records if before < record.time <= gate]
        await installation.step(gate, part, arriving=gate >= BEGIN + DAYS * DAY)
    assert begin > BEGIN - 10 * DAY
    return installation


def everybody(installation: Installation) -> dict[str, Any]:
    """What follows from the events for each customer, to the second; figures are compared apart."""
    found: dict[str, Any] = {}
    for profiles in installation.profiles:
        for id_, held in profiles.items():
            alerts = {
                rule: (one.id, one.state, one.opened, one.changed, one.found, one.untold, one.model)
                for rule, one in held.alerts.items()
            }
            segments = {name: stay.since for name, stay in held.segments.items()}
            waiting = [
                (pending.at, pending.due, pending.full, pending.late, pending.segments) for pending in held.snapshots
            ]
            score = held.score and (held.score.band, held.score.model, held.score.at)
            case = held.case and msgspec.structs.replace(held.case, risk=None, value=None)
            found[id_] = (
                held.redirect,
                held.stage,
                held.stage_since,
                held.stages,
                segments,
                alerts,
                waiting,
                score,
                case,
            )
    return found


def risks(installation: Installation) -> dict[str, float]:
    return {id_: held.score.risk for profiles in installation.profiles for id_, held in profiles.items() if held.score}


@pytest.mark.slow
def test_partitions_batches_and_order_within_a_step_make_no_difference() -> None:
    """Stages with their times, segments, alerts, labels, models, population."""
    one = asyncio.run(play(1, 1))
    assert one.learner.counts.short > 200
    assert one.learner.panel().champion_name != "rules"
    assert one.findings.population.version > 3
    stages = {earlier for found in everybody(one).values() for earlier, _ in found[3]}
    assert {"new", "active", "churned"} <= stages
    assert one.told[ALERTS]
    for partitions, seed in ((1, 2), (5, 3), (16, 4)):
        other = asyncio.run(play(partitions, seed))
        assert other.learner.counts == one.learner.counts
        assert everybody(other) == everybody(one)
        assert risks(other) == pytest.approx(risks(one), rel=1e-6)
        assert {topic: sorted(told) for topic, told in other.told.items()} == {
            topic: sorted(told) for topic, told in one.told.items()
        }
        assert other.findings.learned.clusters == one.findings.learned.clusters
        assert other.findings.population.customers == one.findings.population.customers
        for measure, edges in one.findings.population.edges.items():
            assert other.findings.population.edges[measure] == pytest.approx(edges, rel=1e-6)
        quality = msgspec.to_builtins(other.learner.quality())
        assert quality == {
            model: {horizon: pytest.approx(figures) for horizon, figures in horizons.items()}
            for model, horizons in one.learner.quality().items()
        }
