"""The benchmark of the steps plays the workload through ingest, linker and profiles, and measures each step."""

from __future__ import annotations

from benchmarks.steps import measure
from benchmarks.workload import shop
from plan import load_plan
from tests import REPOSITORY

END = 1_790_000_000.0
PLAN = REPOSITORY / "tracking_plan.yaml"


def test_every_step_is_measured_and_every_event_applied() -> None:
    seconds, outcomes = measure(shop(2_000, END), load_plan(PLAN), END, partitions=4, batch=500)

    assert outcomes["applied"] == 2_000
    assert outcomes["sent_on"] == outcomes["repeat"] == outcomes["rejected"] == 0
    assert list(seconds) == [
        "tell_time", "decode", "ignore", "check", "identify", "consent", "claim", "pack", "withdraw", "meet",
        "events as records", "linker", "records decoded", "documents decoded", "records taken", "detect_outages",
        "update", "score", "segment", "alert", "label", "schedule", "tally", "changes",
        "documents encoded", "index entries", "outputs as records",
    ]  # fmt: skip


def test_a_round_of_any_size_comes_to_the_same() -> None:
    workload, plan = shop(1_000, END), load_plan(PLAN)

    one, other = (measure(workload, plan, END, partitions=4, batch=size)[1] for size in (1_000, 100))

    assert one["applied"] == other["applied"] == 1_000
