"""The benchmark of the models plays the workload through snapshots, labels, the learner and the scorer."""

from __future__ import annotations

from benchmarks.models import Cost, least, measure
from benchmarks.workload import shop
from plan import load_plan
from profiles.types import Event
from streams.offline import read_log
from tests import REPOSITORY

END = 1_790_000_000.0
PLAN = REPOSITORY / "tracking_plan.yaml"


def test_every_part_is_done_and_measured() -> None:
    plan = load_plan(PLAN)
    rows = [(event.source, event.value, line) for line, event in enumerate(shop(2_000, END))]
    events = [record for record in read_log(rows, plan, END).records if isinstance(record, Event)]

    costs = measure(events, plan, 200)

    assert len(events) == 2_000
    assert [cost.of for cost in costs] == [
        "score", "score", "score", "score", "profile looked at", "score", "snapshot", "record",
        "batch of training records",
    ]  # fmt: skip
    assert all(cost.times for cost in costs)
    assert sum(cost.seconds for cost in costs) > 0


def test_what_is_a_difference_is_one_of_the_least() -> None:
    """Of the plays each disturbs another part: no part costs less than nothing for it."""
    plays = [
        [Cost(name, "score", seconds, 1) for name, seconds in zip("abcd", play, strict=True)]
        for play in ((1.0, 9.0, 20.0, 8.0), (7.0, 2.0, 5.0, 10.0))
    ]

    assert [cost.seconds for cost in least(plays)] == [1.0, 2.0, 5.0 - 2.0, 8.0 - 5.0 - 1.0]
