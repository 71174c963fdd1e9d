"""Splits are completed by the worker that reads `identity.links`: without a console, once, and whoever is killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from profiles.store import Reader
from profiles.stores.links import RedisLinkStore
from profiles.stores.redis import connect
from profiles.types import Identity, Profile
from streams.commands import CommandSender
from streams.identity.history import HISTORY_INCOMPLETE
from streams.identity.requests import SplitRequests
from streams.kafka.output import BatchProducer
from streams.kafka.topics import PROFILE_EVENTS, topic_name
from streams.settings import Settings
from tests.integration.rapport import PLAN, Rapport, recently, running

ANN, BOB = ("user_id", "ann"), ("email", "bob@example.com")


def linked_by_mistake(rapport: Rapport, visits: int) -> Identity:
    """Ann and Bob visit, then Ann types Bob's address. Answers it as it is held."""

    def at(number: int) -> str:
        return recently(number, visits + 3)

    def visit(number: int, **who: str) -> dict[str, object]:
        return {"type": "page", "name": "Home", "messageId": f"visit-{number}", "timestamp": at(number), **who}

    def says(number: int, **who: str) -> dict[str, object]:
        says = {"type": "identify", "messageId": f"says-{number}", "timestamp": at(number)}
        return {**says, "traits": {"email": BOB[1]}, **who}

    rapport.send("web", [visit(number, userId="ann") for number in range(visits)])
    rapport.send("web", [says(visits, anonymousId="laptop"), visit(visits + 1, anonymousId="laptop")])
    until_counted(rapport, ANN, visits)
    until_counted(rapport, BOB, 2)
    rapport.send("web", [says(visits + 2, userId="ann")])
    until_counted(rapport, ANN, visits + 3)
    bob = rapport.plan.identity(*BOB)
    assert bob is not None
    return bob


def until_counted(rapport: Rapport, who: Identity, events: int) -> None:
    """Wait until a customer has so many events."""

    async def counted(reader: Reader) -> bool:
        return count(await customer(reader, rapport, who)) == events

    rapport.until(counted, f"{events} events of {who}")


async def customer(reader: Reader, rapport: Rapport, who: Identity) -> Profile | None:
    held = rapport.plan.identity(*who)
    assert held is not None
    return await reader.profile(await reader.resolve(held))


def count(profile: Profile | None) -> int:
    return sum(activity.count for activity in profile.activity.values()) if profile else 0


def ask(settings: Settings, identity: Identity, wait: float) -> tuple[str, str | None]:
    """What the console does, and all it does."""

    async def asking() -> tuple[str, str | None]:
        client, producer = connect(settings.redis.get_secret_value()), BatchProducer(settings)
        try:
            requests = SplitRequests(RedisLinkStore(client), CommandSender(producer, settings))
            return await requests.ask(identity, [], time.time(), "a test", wait)
        finally:
            await producer.stop()
            await client.aclose()

    return asyncio.run(asking())


def who_says(rapport: Rapport, words: str) -> list[int]:
    """The workers whose log has a line with these words."""
    return [n for n in range(len(rapport.workers)) if any(words in line for line in rapport.log_of(n))]


def state_of(settings: Settings, split: str) -> str | None:
    async def read() -> str | None:
        client = connect(settings.redis.get_secret_value())
        try:
            return await RedisLinkStore(client).split_state(split)
        finally:
            await client.aclose()

    return asyncio.run(read())


def test_a_split_needs_no_console_and_two_workers_compute_it_once(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Both customers are whole again, with what came before; only the reader of `identity.links` computes that."""
    with running(make_settings(plan=PLAN), tmp_path, workers=2) as rapport:
        bob = linked_by_mistake(rapport, 20)
        id_, state = ask(rapport.settings, bob, wait=120)
        assert state == "done", f"{state}\n{rapport.logs()}"
        until_counted(rapport, ANN, 21)
        until_counted(rapport, BOB, 2)
        assert len(who_says(rapport, f"split {id_}: 2 profiles from 23 events")) == 1


def test_a_split_that_a_kill_interrupts_is_completed_by_the_other_worker(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Killed while it reads the history; the other one reads it again, and nothing is counted twice."""
    visits = 20_000  # reading them takes longer than noticing that it has begun
    with running(make_settings(plan=PLAN, session_timeout=6.0), tmp_path, workers=2) as rapport:
        bob = linked_by_mistake(rapport, visits)
        id_, _ = ask(rapport.settings, bob, wait=0)
        begun = f"split {id_}: reading"
        deadline = time.monotonic() + 120
        while not (first := who_says(rapport, begun)):
            assert time.monotonic() < deadline, rapport.logs()
            time.sleep(0.005)
        rapport.kill(first[0])
        assert not who_says(rapport, f"split {id_}: 2 profiles"), "it was killed too late to show anything"
        while state_of(rapport.settings, id_) != "done":
            assert time.monotonic() < deadline + 60, rapport.logs()
            time.sleep(0.2)
        assert who_says(rapport, f"split {id_}: 2 profiles from {visits + 3} events") == [1 - first[0]]
        until_counted(rapport, ANN, visits + 1)
        until_counted(rapport, BOB, 2)


def test_a_split_whose_history_is_gone_is_refused_and_changes_nothing(
    make_settings: Callable[..., Settings], apache_kafka: str, tmp_path: Path
) -> None:
    """Kafka has deleted the first events and no archive has them: better one customer too few than two with holes."""
    with running(make_settings(plan=PLAN, kafka=apache_kafka), tmp_path) as rapport:
        bob = linked_by_mistake(rapport, 20)
        topic = topic_name(rapport.settings, PROFILE_EVENTS)
        admin = KafkaAdminClient(bootstrap_servers=rapport.settings.kafka)
        admin.delete_records({TopicPartition(topic, number): -1 for number in range(rapport.settings.partitions)})
        admin.close()
        _, state = ask(rapport.settings, bob, wait=30)
        assert (state or "").startswith(HISTORY_INCOMPLETE), f"{state}\n{rapport.logs()}"
        assert "RAPPORT_ARCHIVE" in str(state)
        until_counted(rapport, BOB, 23)
