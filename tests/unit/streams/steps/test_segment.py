"""Entering and leaving is told once each, with the version of the population snapshot where customers are ranked."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from models.conditions.rules import SegmentRule
from models.config import ChurnConfig
from models.population.snapshot import PopulationSnapshot
from models.segments.alerts import compile_alerts
from models.segments.held import Held
from models.segments.membership import compile_segments
from profiles.state import Limits, apply
from profiles.store import Loaded
from profiles.types import Profile, Stay
from streams.kafka.topics import SEGMENT_CHANGES
from streams.steps.schedule import schedule
from streams.steps.segment import segment
from streams.steps.work import Work
from tests.build import DAY, T0, event

EVEN = PopulationSnapshot(version=1, edges={"revenue": [float(i) for i in range(1, 100)]})


class Population:
    """The newest population snapshot."""

    now = EVEN

    def __call__(self) -> PopulationSnapshot:
        return self.now


def rule(name: str, when: Any) -> SegmentRule:
    """A rule of a plan."""
    return SegmentRule.model_validate({"name": name, "when": when})


def told(work: Work) -> list[dict[str, Any]]:
    """What other systems hear of segments, without profile and time."""
    found = [orjson.loads(output.value) for output in work.outputs if output.topic == SEGMENT_CHANGES]
    return [{key: value for key, value in change.items() if key not in ("profile", "at", "id")} for change in found]


def test_each_change_is_told_once_and_names_the_population_it_is_by() -> None:
    """Twelve versions whose edges flutter: one entry, and one exit when the edge has moved for good."""
    held = Population()
    rules = [rule("top", {"quantile": "revenue", "top": 0.1}), rule("buyer", {"count": "purchase", "at_least": 1})]
    step = segment(compile_segments(rules, "EUR", population=held))
    profile = Profile("p")
    apply(profile, event("purchase", 0, amount=9100), "EUR", Limits())
    work = Work(0, Loaded(), 4)

    for version in range(1, 13):
        factor = 1.2 if version > 10 else 1.0 + 0.02 * (version % 2)
        edges = {"revenue": [edge * factor for edge in EVEN.edges["revenue"]]}
        held.now = msgspec.structs.replace(EVEN, version=version, edges=edges)
        for hour in range(3):
            work.begin(T0 + version * DAY + hour * 3600, (), due=[profile])
            step(work)

    assert told(work) == [
        {"segment": "buyer", "change": "entered"},
        {"segment": "top", "change": "entered", "population": 2},
        {"segment": "top", "change": "exited", "population": 11},
    ]
    assert set(profile.segments) == {"buyer"}
    first = int((T0 + DAY) // DAY)
    changes = work.changes(0, 0)
    assert changes.moved == {
        (first, "buyer", True): 1, (first + 1, "top", True): 1, (first + 10, "top", False): 1,
    }  # fmt: skip
    assert sum(changes.moved.values()) == len(told(work))
    assert len({output.id for output in work.outputs}) == 3


def test_a_window_is_left_by_a_timer_alone() -> None:
    """Three tickets in 30 days: entered with the third, left 30 days after the first, each told once."""
    segments = compile_segments([rule("trouble", {"count": "ticket_opened", "within": "30d", "at_least": 3})], "EUR")
    step = segment(segments)
    profile = Profile("p")
    work = Work(0, Loaded(), 4)
    seen = []

    for day in (0.0, 10.0, 20.0):
        apply(profile, event("ticket_opened", day), "EUR", Limits(windows={"ticket_opened": 3}))
        work.begin(T0 + day * DAY, (), due=[profile])
        step(work)
    while (then := segments.next_change(profile, work.now)) is not None:
        seen.append((then - T0) / DAY)
        work.begin(then, (), due=[profile])
        step(work)

    assert seen == [30.0]
    assert told(work) == [
        {"segment": "trouble", "change": "entered"},
        {"segment": "trouble", "change": "exited"},
    ]


def test_nobody_enters_or_leaves_a_held_segment_and_who_would_is_looked_at_again() -> None:
    """Also the segments that only another worker's plan has. Once nothing is held, all are told once."""
    held = Held(frozenset({"buyer", "gone"}))
    rules = [rule("buyer", {"count": "purchase", "at_least": 1}), rule("visitor", {"count": "visit", "at_least": 1})]
    segments = compile_segments(rules, "EUR")
    steps = (
        segment(segments, lambda: held),
        schedule(segments, compile_alerts([], "EUR", segments.names), ChurnConfig()),
    )
    profile, other = Profile("p"), Profile("q", segments={"gone": Stay(T0)})
    apply(profile, event("purchase", 0, amount=9100), "EUR", Limits())
    apply(profile, event("visit", 0), "EUR", Limits())
    work = Work(0, Loaded(), 4)
    work.begin(T0 + DAY, (), due=[profile, other])
    for step in steps:
        step(work)

    assert told(work) == [{"segment": "visitor", "change": "entered"}]
    assert set(other.segments) == {"gone"}
    assert [who.scheduled_at for who in (profile, other)] == [T0 + DAY + 60.0] * 2

    held = Held()
    work = Work(0, Loaded(), 4)
    work.begin(profile.scheduled_at, (), due=[profile, other])
    for step in steps:
        step(work)
    assert told(work) == [{"segment": "buyer", "change": "entered"}, {"segment": "gone", "change": "exited"}]
    assert profile.scheduled_at != T0 + DAY + 120.0
