"""A small merge storm: 5,000 unknown browsers become 1,000 people at once, one of whom has 1,000 of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from console.local.embedded import Redis
from console.local.process import Reaper
from streams.settings import Settings
from streams.worker.flow import MERGES, MOST
from tests.integration.faults.storm import ride_out, storm_plan, weather
from tests.integration.faults.trial import Trial
from tests.integration.rapport import PLAN
from tests.servers import KafkaServer

BROWSERS, PEOPLE, HOT = 5000, 1000, 1000


@pytest.mark.timeout(600)  # two minutes on an idle machine with two cores
def test_a_merge_storm_stalls_nobody_and_breaks_no_limit(
    make_settings: Callable[..., Settings], kafka_server: KafkaServer, own_redis: Redis, reaper: Reaper, tmp_path: Path
) -> None:
    plan = storm_plan(PLAN, tmp_path / "plan")
    settings = make_settings(redis=own_redis.url, plan=plan, seen=65_536)
    with Trial(settings, kafka_server, own_redis, tmp_path / "logs", reaper, 1, print) as trial:
        trial.fleet.start(1)
        came = ride_out(trial, weather(BROWSERS, PEOPLE, HOT, seed=1))
    verdict = came.outcome.verdict
    assert verdict.clean, "\n".join([str(verdict.faults), *verdict.examples])
    assert verdict.merges == BROWSERS
    assert verdict.largest == HOT + 1
    assert came.over_limits == 0
    assert came.storm.count > 10
    # Others stand behind what is on its way, never behind the storm, which comes to three times as many records as it
    # has events. Fewer than twice `MERGES` requests are decided before those before them are applied; what these send
    # on may be on its way then, too.
    assert came.most_merging < 4 * MERGES < BROWSERS, came
    assert came.most_waiting < MOST + 4 * MERGES < BROWSERS, came
