"""`rapport work --only`: ingest and profiles as processes of their own, also beside workers that do both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streams.settings import Settings
from tests.integration.ingest.test_kills import applied, history, settle
from tests.integration.rapport import PLAN, running


def test_parts_of_the_work_in_processes_of_their_own_lose_and_double_nothing(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Two of each; one of each is killed; then a worker that does both joins, and those of one part leave it alone."""
    events = history(9000, seed=3)
    with running(make_settings(plan=PLAN, batch=100), tmp_path, workers=0) as rapport:
        rapport.start(2, "ingest")
        rapport.start(2, "profile")
        rapport.send("purchase", events[:3000])
        rapport.until(applied(1500), "all four to be at work")
        rapport.kill(0)
        rapport.kill(2)
        rapport.send("purchase", events[3000:6000])
        rapport.until(applied(4500), "the other two to go on")
        rapport.start(1)
        rapport.send("purchase", events[6000:8000])
        rapport.until(applied(6500), "a mixed group to be at work")
        rapport.kill(1)
        rapport.kill(3)
        rapport.send("purchase", events[8000:])
        settle(rapport, events)
        read = {number: "\n".join(rapport.log_of(number)) for number in range(5)}
        for number in (0, 1):
            assert ", 0 of them profiles'" in read[number]
