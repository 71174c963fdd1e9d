"""A Redis that comes back older while nothing new is sent: nobody tells the workers, and they notice all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from console.local.embedded import Redis
from console.local.process import Reaper
from streams.settings import Settings
from tests.integration.faults.chaos import newest_file
from tests.integration.faults.load import history
from tests.integration.faults.trial import Trial
from tests.integration.rapport import PLAN
from tests.servers import KafkaServer

EVENTS = 1500


def test_a_store_that_comes_back_older_is_fed_again_though_nothing_new_is_sent(
    make_settings: Callable[..., Settings], kafka_server: KafkaServer, own_redis: Redis, reaper: Reaper, tmp_path: Path
) -> None:
    """Half of the events are gone from Redis with the end of its append-only file."""
    settings = make_settings(redis=own_redis.url, plan=PLAN, seen=65_536)
    messages = history(EVENTS, seed=5)
    with Trial(settings, kafka_server, own_redis, tmp_path / "logs", reaper, 1, print) as trial:
        trial.fleet.start(1)
        trial.send(messages[: EVENTS // 2])
        trial.until_done(120)
        trial.watch.until_live(60)  # what is told from here on has the time of the wall clock
        file = newest_file(own_redis.directory)
        assert file is not None
        length = file.stat().st_size
        trial.send(messages[EVENTS // 2 :])
        trial.until_done(120)
        whole = sum(trial.watch.applied().values())
        own_redis.kill()
        with file.open("r+b") as out:
            out.truncate(length)
        own_redis.start()
        own_redis.ready(30)
        assert sum(trial.watch.applied().values()) < whole
        trial.until_done(120)
        trial.watch.until_told(30)  # else the clock would wait for what was read long ago
        trial.watch.until_live(60)
        outcome = trial.finish(120)
    assert outcome.verdict.clean, "\n".join([str(outcome.verdict.faults), *outcome.verdict.examples])
    assert not outcome.ended
