"""The benchmark of the models plays the workload through snapshots, labels, the learner and the scorer."""

from __future__ import annotations

from benchmarks.models import measure
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
