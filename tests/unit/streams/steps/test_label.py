"""What the steps do about labels: both horizons, censoring, outages, treatments, the hold-out."""

from __future__ import annotations

import msgspec
import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.churn.panel import MODELS, Panel
from models.conditions.rules import AlertRule
from models.config import ChurnConfig
from models.durations import DAY
from models.labels.examples import Example, OrderSummary, TrainingRecord
from models.labels.outages import arrived
from models.labels.treatment import held_out
from models.segments.alerts import compile_alerts
from models.segments.membership import compile_segments
from profiles.consent import PROFILING, Consent, trait_of
from profiles.state import Limits
from profiles.store import ArrivalRate, Loaded
from profiles.types import Absorb, AlertCommand, Erase, Event, Merge, Profile, Record, Score, Split
from streams.kafka.topics import ALERTS, TRAINING_EXAMPLES
from streams.steps.alert import alert
from streams.steps.label import label
from streams.steps.outages import detect_outages
from streams.steps.schedule import schedule
from streams.steps.update import update
from streams.steps.work import Work

T0 = 1_700_000_000.0
CONFIG = ChurnConfig(panel=1, snapshot_every="2w")
CONSENT = Consent()
PANEL = Panel.cold(CONFIG)
RULES = [
    AlertRule(name="risky", threshold=0.6, cooldown=DAY, purpose=None),
    AlertRule(name="big", when={"count": "purchase", "at_least": 1}, purpose=None),
]
_decode = msgspec.msgpack.Decoder(TrainingRecord).decode


class Partition:
    """One partition in memory, its steps and what they told."""

    def __init__(self, config: ChurnConfig = CONFIG) -> None:
        segments = compile_segments([], "EUR", CONSENT)
        alerts = compile_alerts(RULES, "EUR", (), hold_out=config.hold_out)
        self._steps = (
            detect_outages(config), update("EUR", Limits()), alert(alerts, CONSENT),
            label(config, "EUR", CONSENT, lambda: PANEL), schedule(segments, alerts, config),
        )  # fmt: skip
        self.profiles: dict[str, Profile] = {}
        self.arrival_rates: dict[str, ArrivalRate] = {}
        self.watermark = 0.0
        self.records: list[Example | OrderSummary] = []
        self.told: list[dict[str, object]] = []
        self._offset = 0

    def look(self, day: float, *records: Record, due: tuple[str, ...] = (), gate: float = 0.0) -> Work:
        """One batch at a time of the clock."""
        work = Work(0, Loaded(profiles=self.profiles, arrival_rates=self.arrival_rates, watermark=self.watermark), 4)
        for record in records:
            record.origin = ("profile.events", 0, self._offset << 16)
            self._offset += 1
        times = [record.time for record in records if type(record) is Event]
        self.watermark = work.watermark = max([self.watermark, *times])
        work.begin(T0 + day * DAY, records, [self.profiles[id_] for id_ in due])
        work.gate = gate and T0 + gate * DAY
        for step in self._steps:
            step(work)
        self.records += [_decode(output.value) for output in work.outputs if output.topic == TRAINING_EXAMPLES]
        self.told += [orjson.loads(output.value)["alert"] for output in work.outputs if output.topic == ALERTS]
        return work

    def wait(self, until: float, *, others: str = "o") -> None:
        """Let a day after the other pass, with an order of somebody else in each, and every timer fire."""
        day = (self.watermark - T0) / DAY
        while (day := day + 1) <= until:
            due = tuple(
                id_ for id_, held in self.profiles.items() if held.scheduled_at and held.scheduled_at <= T0 + day * DAY
            )
            self.look(day, order(others, day), due=due)

    def of(self, profile: str) -> list[Example]:
        return [record for record in self.records if type(record) is Example and record.profile == profile]


def order(profile: str, day: float, role: str = "purchase") -> Event:
    time = T0 + day * DAY
    return Event(profile, f"{role}-{day}", "shop", "track", role, role, time, time, amount=900, currency="EUR")


def test_a_customer_leaves_sightings_and_labels_of_both_horizons() -> None:
    """Each snapshot is told when it is taken, and labelled once for each horizon, when that has passed."""
    partition = Partition(ChurnConfig(panel=1, snapshot_every="4w"))
    partition.look(0, order("p", 0))
    partition.wait(250)

    seen = [record for record in partition.records if type(record) is OrderSummary and record.profile == "p"]
    short = [example for example in partition.of("p") if example.horizon == "short"]
    full = [example for example in partition.of("p") if example.horizon == "full"]
    assert len(seen) == 9
    assert [example.at for example in short] == [summary.at for summary in seen[: len(short)]]
    assert [example.at for example in full] == [summary.at for summary in seen[: len(full)]]
    assert len(short) == 8
    assert len(full) == 2
    assert not any(example.y for example in short + full)
    for example in full:
        risks = dict(zip(MODELS, np.frombuffer(example.risks, "<f4"), strict=True))
        assert 0 < risks["rules"] < 1
        assert example.model == PANEL.champion.id
    pending = partition.profiles["p"].snapshots
    assert len(pending) == 7
    assert [bool(snapshot.due) for snapshot in pending] == [False] * 6 + [True]


story = st.lists(st.tuples(st.floats(0, 40), st.sampled_from(["p", "o", "visit p", "timer"])), min_size=1, max_size=30)


@settings(max_examples=150, deadline=None)
@given(story)
def test_nothing_makes_a_label_leave_early(story: list[tuple[float, str]]) -> None:
    """Whoever orders or visits, and whenever timers fire: time is that of the clock and of the events."""
    partition, clock = Partition(), 0.0
    partition.look(0, order("p", 0), order("o", 0))
    for ahead, who in story:
        clock += ahead
        before = len(partition.records)
        record = order(who[-1], clock, "visit" if who.startswith("visit") else "purchase")
        partition.look(clock, *(() if who == "timer" else (record,)), due=("p",))
        for record in partition.records[before:]:
            if type(record) is Example:
                assert record.due + CONFIG.lateness <= min(partition.watermark, T0 + clock * DAY)


def test_what_waits_is_censored_by_a_merge_a_split_an_erasure_and_an_objection() -> None:
    """Of both horizons, also when only the longer one is still waited for."""
    ends: dict[str, tuple[Record, ...]] = {
        "merge": (Merge("p", "w", T0, []),),
        "split": (Split("p", "reset", "s", "p", T0, {"p": "p"}, {"p": []}),),
        "move": (Split("p", "move", "s", "w", T0, {"p": "p", "w": "w"}, {"p": []}),),
        "erase": (Erase("p", T0 + 40 * DAY),),
        "objection": (msgspec.structs.replace(order("p", 40, "visit"), traits={trait_of(PROFILING): False}),),
    }
    for name, records in ends.items():
        partition = Partition()
        partition.look(0, order("p", 0))
        partition.wait(40)
        waits = partition.profiles["p"].snapshots
        assert {bool(snapshot.due) for snapshot in waits} == {True, False}, name

        work = partition.look(40, *records)
        before = len(partition.of("p"))
        partition.wait(300)

        assert partition.profiles["p"].snapshots == [], name
        assert len(partition.of("p")) == before, name
        assert sum(n for (_, outcome), n in work.labels.items() if outcome == "censored") > len(waits), name


def test_of_the_winner_of_a_merge_only_what_lacked_the_losers_orders_is_censored() -> None:
    """A browser that is recognised changes nothing; an order that was somebody else's until now does."""
    partition = Partition()
    partition.look(0, order("p", 0))
    partition.wait(40)
    kept = list(partition.profiles["p"].snapshots)

    browser, buyer = Profile("b", updated=T0), Profile("c")
    update("EUR", Limits())(work := Work(0, Loaded(profiles={"c": buyer}), 4))
    work.begin(T0, [order("c", 20)])
    update("EUR", Limits())(work)
    partition.look(41, Absorb("p", "b", T0, msgspec.msgpack.encode(browser)))
    assert partition.profiles["p"].snapshots[: len(kept)] == kept

    partition.look(41, Absorb("p", "c", T0, msgspec.msgpack.encode(work.profiles["c"])))
    assert {snapshot.at < T0 + 20 * DAY for snapshot in partition.profiles["p"].snapshots} == {True}


def test_no_label_is_given_over_a_time_in_which_nobodys_orders_came() -> None:
    """Visits go on; orders, usually several a day, do not come for five days. Then they do."""
    partition = Partition()
    partition.look(0, order("p", 0))
    for day in range(1, 60):
        for hour in range(8):
            due = tuple(id_ for id_, held in partition.profiles.items() if held.scheduled_at <= T0 + day * DAY)
            time = day + hour / 24
            records = [order("o", time, "visit")] + ([] if 30 < day <= 35 else [order("o", time)])
            work = partition.look(time, *records, due=due)
            if work.outages:
                assert [kind for kind, _, _ in work.outages] == ["orders"]
                assert day == 36

    [silence] = partition.arrival_rates["orders"].silences
    assert silence == pytest.approx((T0 + (30 + 7 / 24) * DAY, T0 + 36 * DAY))
    assert not partition.arrival_rates["events"].silences
    labelled = partition.of("p")
    assert labelled
    for example in labelled:
        assert example.due <= silence[0] or example.at >= silence[1]


def test_during_an_outage_labels_wait() -> None:
    """Whose time passes while no orders come has no label until it is known why; here nobody's orders come again."""
    partition = Partition()
    partition.look(0, order("p", 0))
    partition.wait(30)
    before = len(partition.of("p"))
    first = next(snapshot for snapshot in partition.profiles["p"].snapshots if snapshot.due)
    end = (first.due + CONFIG.lateness - T0) / DAY
    for day in range(31, int(end) + 3):
        partition.look(day, order("o", day, "visit"), due=("p",))

    assert len(partition.of("p")) == before
    assert first.due


def test_at_the_end_of_a_step_labels_leave_whoever_shares_the_partition() -> None:
    """Live a label waits for a later order of anybody; at a gate all that came before it is known, of everybody."""
    alone, live = Partition(), Partition()
    for partition, gate in ((alone, 80.0), (live, 0.0)):
        partition.look(0, order("p", 0))
        partition.look(15, due=("p",))
        first = next(snapshot.due for snapshot in partition.profiles["p"].snapshots)
        partition.look((first - T0) / DAY + 2, due=("p",), gate=gate)
    assert [(example.due, example.border) for example in alone.of("p")] == [(first, T0 + 80 * DAY)]
    assert live.of("p") == []
    assert {record.border for record in alone.records} == {0.0, T0 + 80 * DAY}
    assert {record.border for record in live.records} == {0.0}


def test_at_the_end_of_a_step_a_label_over_a_silence_of_everybody_is_dropped_too() -> None:
    """Events came every hour for weeks, then none: the history has a hole."""
    partition = Partition()
    partition.look(0, order("p", 0))
    for hour in range(1, 45 * 24):
        due = tuple(id_ for id_, held in partition.profiles.items() if 0 < held.scheduled_at <= T0 + hour / 24 * DAY)
        partition.look(hour / 24, order("o", hour / 24), due=due, gate=hour / 24)
    pending = next(held for held in partition.profiles["p"].snapshots if held.due > T0 + 48 * DAY)
    day = (pending.due - T0) / DAY + 2
    work = partition.look(day, due=("p",), gate=day)
    assert work.labels["short", "outage"] == 1
    assert pending.at not in [example.at for example in partition.of("p")]


def test_in_a_step_an_outage_is_noticed_when_its_timers_fire_and_read_events_wait_for_that() -> None:
    """The same whatever order the events of the step came in: here backwards, and in two batches."""
    partition = Partition()
    for day in range(40):
        hours = [order("o", day + hour / 24, "visit") for hour in reversed(range(24))]
        for records in (hours[:10], hours[10:]):
            assert partition.look(day + 1, *records, gate=day + 1).outages == []
        assert partition.look(day + 1, due=("o",), gate=day + 1).outages == []
    in_order = ArrivalRate()
    for hour in range(40 * 24):
        arrived(in_order, T0 + hour / 24 * DAY, CONFIG.outage)
    assert partition.arrival_rates["events"] == in_order
    partition.look(50, order("o", 47, "visit"), gate=50)
    assert partition.arrival_rates["events"].last == T0 + (39 + 23 / 24) * DAY
    [(kind, begin, end)] = partition.look(50, due=("o",), gate=50).outages
    assert (kind, begin, end) == ("events", T0 + (39 + 23 / 24) * DAY, T0 + 47 * DAY)
    partition.look(50, order("o", 48, "visit"))
    assert partition.arrival_rates["events"].last == T0 + 48 * DAY  # live, at once


def acknowledged(partition: Partition, day: float) -> None:
    held = partition.profiles["p"].alerts["risky"]
    partition.look(day, AlertCommand("p", held.id, "acknowledge", T0 + day * DAY, by="kim"))


def test_of_two_treatments_a_label_knows_the_earlier_too() -> None:
    """The later one, after its end, must not hide it: it would be learned as if nobody had done anything."""
    partition = Partition()
    partition.look(0, order("p", 0))
    partition.profiles["p"].score = Score(0.8, "high", T0, "m1")
    partition.look(1, due=("p",))
    partition.wait(19)
    acknowledged(partition, 20)
    held = partition.profiles["p"].alerts["risky"]
    [pending] = [snapshot for snapshot in partition.profiles["p"].snapshots if snapshot.due > T0 + 20 * DAY][:1]
    partition.look(
        (pending.due - T0) / DAY + 0.5, AlertCommand("p", held.id, "resolve", pending.due + 1800.0, by="kim")
    )
    partition.wait(300)

    treatments = (T0 + 20 * DAY, pending.due + 1800.0)
    short = [example for example in partition.of("p") if example.horizon == "short"]
    assert [example.treated for example in short] == [
        any(example.at < time <= example.due for time in treatments) for example in short
    ]
    assert next(example for example in short if example.at == pending.at).treated


def test_a_treatment_of_who_is_merged_in_counts_beside_a_later_one() -> None:
    """They are one person: somebody called them."""
    partition = Partition()
    partition.look(0, order("p", 0))
    partition.look(1, due=("p",))
    partition.wait(20)
    first = partition.profiles["p"].snapshots[0]
    partition.profiles["p"].treated_at = first.due + DAY
    partition.look(21, Absorb("p", "b", T0, msgspec.msgpack.encode(Profile("b", treated_at=first.at + DAY))))
    partition.wait(60)

    assert next(example for example in partition.of("p") if example.at == first.at).treated


def test_a_label_tells_that_people_acted_and_the_log_of_alerts_who_when_and_at_which_risk() -> None:
    """The effect can be measured: the alert's risk when it opened is told with what was done about it."""
    partition = Partition()
    partition.look(0, order("p", 0))
    partition.profiles["p"].score = Score(0.8, "high", T0, "m1")
    partition.look(1, due=("p",))
    partition.wait(19)
    acknowledged(partition, 20)
    partition.wait(300)

    treated_at = T0 + 20 * DAY
    assert partition.profiles["p"].treated_at == treated_at
    for example in partition.of("p"):
        assert example.treated == (example.at < treated_at <= example.due)
    assert {example.treated for example in partition.of("p")} == {True, False}
    [told] = [message for message in partition.told if message["state"] == "acknowledged"]
    assert told["by"] == "kim"
    assert told["changed"] == "2023-12-04T22:13:20.000000Z"
    assert told["risk"] == 0.8
    assert told["held_out"] is False


def test_who_is_held_out_gets_no_alert_on_the_risk_but_every_other_one() -> None:
    """Half of the customers are, and their labels say so."""
    config = CONFIG.model_copy(update={"hold_out": 0.5})
    partition = Partition(config)
    people = [f"p{number}" for number in range(12)]
    for id_ in people:
        partition.look(0, order(id_, 0))
        partition.profiles[id_].score = Score(0.9, "high", T0, "m1")
    partition.look(1, due=tuple(people))
    partition.wait(60)

    alone = {id_ for id_ in people if held_out(id_, 0.5)}
    assert 0 < len(alone) < len(people)
    for id_ in people:
        expected = {"big"} if id_ in alone else {"big", "risky"}
        assert partition.profiles[id_].alerts.keys() == expected
        assert {example.held_out for example in partition.of(id_)} == {id_ in alone}
    flags = {(message["profile"], message["held_out"]) for message in partition.told if message["rule"] == "big"}
    assert {(id_, id_ in alone) for id_ in people} <= flags
