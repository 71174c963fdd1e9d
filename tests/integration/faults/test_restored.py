"""A Redis that comes back older while nothing new is sent: nobody tells the workers, and they notice all the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from console.local.embedded import Redis
from console.local.process import Reaper
from streams.settings import Settings
from tests.integration.faults.chaos import newest_file
from tests.integration.faults.load import history
from tests.integration.faults.trial import Outcome, Trial
from tests.integration.rapport import PLAN
from tests.servers import KafkaServer, RedisCluster

EVENTS = 1500


def send_the_rest_and_lose_it(trial: Trial, known: Callable[[], None], lose: Callable[[], None]) -> Outcome:
    """Half of the events come, and the other half live; then the store forgets that one.

    Args:
        trial: nothing of it is started yet.
        known: called when the first half is in the store.
        lose: makes it forget what came after.
    """
    messages = history(EVENTS, seed=5)
    trial.fleet.start(1)
    trial.send(messages[: EVENTS // 2])
    trial.until_done(120)
    trial.watch.until_live(60)  # what is told from here on has the time of the wall clock
    known()
    trial.send(messages[EVENTS // 2 :])
    trial.until_done(120)
    whole = sum(trial.watch.applied().values())
    lose()
    while (look := trial.watch.look()) is None:
        time.sleep(0.05)
    assert look.applied < whole
    trial.until_done(120)
    trial.watch.until_told(30)  # else the clock would wait for what was read long ago
    trial.watch.until_live(60)
    return trial.finish(120)


def test_a_store_that_comes_back_older_is_fed_again_though_nothing_new_is_sent(
    make_settings: Callable[..., Settings], kafka_server: KafkaServer, own_redis: Redis, reaper: Reaper, tmp_path: Path
) -> None:
    """Half of the events are gone from Redis with the end of its append-only file."""
    settings = make_settings(redis=own_redis.url, plan=PLAN, seen=65_536)
    places: list[tuple[Path, int]] = []

    def known() -> None:
        file = newest_file(own_redis.directory)
        assert file is not None
        places.append((file, file.stat().st_size))

    def lose() -> None:
        ((file, length),) = places
        own_redis.kill()
        with file.open("r+b") as out:
            out.truncate(length)
        own_redis.start()
        own_redis.ready(30)

    with Trial(settings, kafka_server, own_redis, tmp_path / "logs", reaper, 1, print) as trial:
        outcome = send_the_rest_and_lose_it(trial, known, lose)
    assert outcome.verdict.clean, "\n".join([str(outcome.verdict.faults), *outcome.verdict.examples])
    assert not outcome.ended


def test_a_replica_that_is_promoted_behind_its_master_is_fed_again(
    make_settings: Callable[..., Settings], kafka_server: KafkaServer, own_redis: Redis, reaper: Reaper, tmp_path: Path
) -> None:
    """It heard nothing of the second half, and the master is gone for good."""
    cluster = RedisCluster(tmp_path / "cluster", reaper=reaper, masters=1, replica=True)
    cluster.start()
    settings = make_settings(redis=cluster.url, plan=PLAN, seen=65_536)
    with Trial(settings, kafka_server, own_redis, tmp_path / "logs", reaper, 1, print) as trial:
        outcome = send_the_rest_and_lose_it(trial, cluster.cut_replica_off, cluster.promote)
    cluster.stop()
    assert outcome.verdict.clean, "\n".join([str(outcome.verdict.faults), *outcome.verdict.examples])
    assert not outcome.ended
