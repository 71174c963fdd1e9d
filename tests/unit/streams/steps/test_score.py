"""Scores, labels and alerts by further definitions of churn, step by step, until a learner has heard of them."""

from __future__ import annotations

from collections import Counter

import msgspec

from models.churn.panel import Panel
from models.conditions.rules import AlertRule, SegmentRule
from models.config import ChurnConfig
from models.durations import DAY
from models.labels.examples import Example, Of, TrainingRecord
from models.labels.outcomes import signs_of
from models.learning.learners import Learners
from models.segments.alerts import compile_alerts
from models.segments.membership import compile_segments
from profiles.consent import PROFILING, Consent, trait_of
from profiles.documents import decode_profile, encode_profile
from profiles.state import Limits
from profiles.store import ArrivalRate, Loaded
from profiles.types import Event, Profile, Terms
from streams.kafka.topics import TRAINING_EXAMPLES
from streams.steps.alert import alert
from streams.steps.label import label
from streams.steps.outages import detect_outages
from streams.steps.schedule import schedule
from streams.steps.score import score
from streams.steps.segment import segment
from streams.steps.update import update
from streams.steps.work import Work

T0 = 1_700_000_000.0
PLAN = ChurnConfig.model_validate(
    {
        "panel": 1,
        "snapshot_every": "2w",
        "definitions": [
            {
                "name": "cancels",
                "ends_by": {"subscription": "ended"},
                "horizon": "4w",
                "bands": {"medium": 0.005, "high": 0.01},
            },
            {"name": "unused", "ends_by": {"disuse": "login"}, "horizon": "4w", "label_horizon": "2w"},
        ],
    }
)  # fmt: skip
SEGMENT = SegmentRule.model_validate({"name": "shaky", "when": {"band": ["medium", "high"], "churn": "cancels"}})
ALERTS = [
    AlertRule(name="cancelling", threshold=0.01, churn="cancels", purpose=None),
    AlertRule(name="lost", threshold=0.05, purpose=None),
]
_decode = msgspec.msgpack.Decoder(TrainingRecord).decode


class Partition:
    """One partition in memory. Profiles are read and written as the store does it."""

    def __init__(self, plan: ChurnConfig = PLAN) -> None:
        consent = Consent()
        segments = compile_segments([SEGMENT] if plan.definitions else [], "EUR", consent)
        rules = ALERTS if plan.definitions else ALERTS[1:]
        alerts = compile_alerts(rules, "EUR", segments.names)
        panel = Panel.cold(plan)
        self._steps = (
            detect_outages(plan), update("EUR", Limits(signs=signs_of(plan.definitions))),
            score(lambda: panel, plan, "EUR", consent), segment(segments), alert(alerts, consent),
            label(plan, "EUR", consent, lambda: panel), schedule(segments, alerts, plan),
        )  # fmt: skip
        self.profiles: dict[str, Profile] = {}
        self.arrival_rates: dict[str, ArrivalRate] = {}
        self.records: list[TrainingRecord] = []
        self.labels = Counter[tuple[str, str]]()
        self._offset = 0

    def look(self, day: float, *events: Event) -> Profile:
        """One batch at a time of the clock; answers the customer p."""
        work = Work(0, Loaded(profiles=self.profiles, arrival_rates=self.arrival_rates, watermark=T0 + day * DAY), 4)
        for event in events:
            event.origin = ("profile.events", 0, self._offset << 16)
            self._offset += 1
        due = [profile for profile in self.profiles.values() if 0 < profile.scheduled_at <= T0 + day * DAY]
        work.begin(T0 + day * DAY, list(events), due)
        for step in self._steps:
            step(work)
        self.labels += work.labels
        self.records += [_decode(output.value) for output in work.outputs if output.topic == TRAINING_EXAMPLES]
        self.profiles = {id_: decode_profile(id_, encode_profile(held)) for id_, held in self.profiles.items()}
        return self.profiles["p"]


def event(role: str, day: float, who: str = "p", **facts: object) -> Event:
    return Event(who, f"{role}-{who}-{day}", "web", "track", role, role, T0 + day * DAY, T0 + day * DAY, **facts)  # type: ignore[arg-type]


def test_who_never_orders_may_cancel_and_stop_using_it_and_the_learners_hear_of_it() -> None:
    """A subscriber who logs in until day 20, and cancels on day 40; somebody else's events keep the time going."""
    partition = Partition()
    partition.look(0, event("subscription_start", 0, subject="s"), event("login", 0))
    for day in range(1, 80):
        events = [event("purchase", day, "other"), *([event("login", day)] if day <= 20 else [])]
        profile = partition.look(day, *events, *([event("subscription_cancel", 40, subject="s")] if day == 40 else []))
        if day == 30:
            assert profile.score is None  # of the plan's own definition: they never ordered
            assert profile.churns is not None
            cancels, unused = profile.churns["cancels"], profile.churns["unused"]
            assert cancels.score is not None
            assert (cancels.stage, unused.stage) == ("at_risk", "active")
            assert set(profile.segments) == {"shaky"}
            assert profile.alerts["cancelling"].risk >= 0.01
            assert "lost" not in profile.alerts

    assert profile.churns is not None
    cancels, unused = profile.churns["cancels"], profile.churns["unused"]
    assert (cancels.score, cancels.stage, unused.stage) == (None, "ended", "ended")
    assert profile.alerts["cancelling"].state == "cleared"
    told = [
        (record.churn, record.record.at, record.record.y)
        for record in partition.records
        if isinstance(record, Of) and isinstance(record.record, Example) and record.record.horizon == "short"
    ]
    for churn, horizon, ends in (("cancels", 28, 40), ("unused", 14, 20)):
        labels = [(at, y) for name, at, y in told if name == churn]
        last = ends if churn == "unused" else ends - horizon  # a sign comes after it; the state holds at its end
        assert labels
        assert all(y == (at < T0 + last * DAY) for at, y in labels), churn
        assert {y for _, y in labels} == {True, False}
    learners = Learners(PLAN)
    learners.take(partition.records)
    assert learners.others["cancels"].counts.short == sum(name == "cancels" for name, *_ in told)
    assert learners.own.counts.short > 0
    assert learners.others["unused"].counts.skipped == 0


def test_what_was_paid_for_and_is_not_renewed_ends_at_its_very_moment() -> None:
    """With nobody to look at the customer in between: the stage is foreseen, however long a score stands."""
    ends_by = {"subscription": "ended", "period": "told", "grace": "5d"}
    lapses = [{"name": "lapses", "ends_by": ends_by, "horizon": "4w"}]
    partition = Partition(PLAN.changed({"definitions": lapses, "rescore_every": "20w"}))
    terms = Terms(ends=int(T0 + 31 * DAY))
    profile = partition.look(30, event("subscription_start", 0, subject="s", terms=terms))

    seen = []
    while profile.churns and profile.churns["lapses"].stage != "ended":
        seen.append((profile.scheduled_at - T0) / DAY)
        profile = partition.look(seen[-1])
    assert seen[-1] == 36
    assert profile.churns is not None
    assert profile.churns["lapses"].stage_since == T0 + 36 * DAY


def test_who_does_not_allow_it_has_no_score_and_no_label_of_any() -> None:
    partition = Partition()
    partition.look(0, event("subscription_start", 0, subject="s"))
    partition.look(20)
    profile = partition.look(21, event("", 21, traits={trait_of(PROFILING): False}))

    assert profile.churns is not None
    assert [(churn.score, churn.snapshots, churn.stage) for churn in profile.churns.values()] == [(None, [], "")]


def test_without_further_definitions_a_profile_has_none() -> None:
    partition = Partition(PLAN.changed({"definitions": ()}))
    assert partition.look(0, event("subscription_start", 0, subject="s"), event("login", 0)).churns is None


def test_what_the_plan_no_longer_defines_is_dropped() -> None:
    partition = Partition()
    assert partition.look(0, event("subscription_start", 0, subject="s")).churns
    later = Partition(PLAN.changed({"definitions": ()}))
    later.profiles = partition.profiles
    assert later.look(1, event("login", 1)).churns is None


def test_no_label_is_asked_for_by_another_meaning_than_its_snapshot_was_taken_by() -> None:
    """A definition keeps its name and ends by another thing; what waited is counted as censored."""
    ends_by = [{**definition.model_dump(), "ends_by": {"no": "visit"}} for definition in PLAN.definitions[1:]]
    partition = Partition()
    partition.look(0, event("login", 0))
    waiting = partition.look(20, event("login", 20)).churns
    assert waiting is not None
    assert (count := len(waiting["unused"].snapshots))
    same = Partition()
    same.profiles = {id_: decode_profile(id_, encode_profile(held)) for id_, held in partition.profiles.items()}
    assert (kept := same.look(21, event("visit", 21)).churns) is not None
    assert kept["unused"].snapshots == waiting["unused"].snapshots

    other = Partition(PLAN.changed({"definitions": ends_by}))
    other.profiles = partition.profiles
    found = other.look(21, event("visit", 21)).churns

    assert found is not None
    assert (found["unused"].snapshots, found["unused"].signs) == ([], {})
    assert other.labels["short", "censored"] == count
