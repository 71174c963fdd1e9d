"""The merge storm: far more unknown browsers than people, all of which turn out to be somebody at once.

Meanwhile other customers, who have nothing to do with it, go on ordering, and it is measured how long each of their
orders takes until it can be read.
"""

from __future__ import annotations

import bisect
import random
import re
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from redis import Redis

from plan import Plan
from profiles.stores.keys import IDENTITY, Keys
from profiles.types import Record, partition_of, profile_id
from streams.kafka.topics import IDENTITY_LINKS, PROFILE_EVENTS, topic_name
from streams.settings import Settings
from streams.steps.work import SENT_BITS
from tests.integration.faults.load import DAY, Message
from tests.integration.faults.oracle import Stored
from tests.integration.faults.trial import Outcome, Trial

__all__ = ["BROWSERS", "Latency", "Others", "Storm", "StormOutcome", "ride_out", "storm_plan", "weather"]

BROWSERS, IDENTITIES = 2000, 3000  # that the storm's plan allows
_CALM = 15.0  # seconds of measuring before the storm
_PATIENCE = 900.0
_SLACK = 100  # records of other customers that are on their way at any time

_decode = msgspec.msgpack.Decoder(Record).decode


def storm_plan(original: Path, directory: Path) -> Path:
    """The plan with limits that a hot profile does not reach."""
    text = original.read_text()
    text, limits = re.subn(r"(- type: anonymous_id\n    priority: \d+\n    limit: )\d+", rf"\g<1>{BROWSERS}", text)
    text, most = re.subn(r"(?m)^most_identities: \d+", f"most_identities: {IDENTITIES}", text)
    if not most:
        text = f"most_identities: {IDENTITIES}\n{text}"
    assert limits == 1, "the plan has changed its looks"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "storm_plan.yaml"
    path.write_text(text)
    return path


@dataclass(frozen=True, slots=True)
class Storm:
    """What is sent: first everybody browses, then everybody is recognised."""

    browsing: list[Message]
    recognised: list[Message]


def weather(browsers: int, people: int, hot: int, seed: int) -> Storm:
    """A storm of so many browsers that become so many people, one of whom has `hot` of them."""
    chance = random.Random(seed)
    end = time.time() // DAY * DAY  # of their history

    def message(source: str, event: dict[str, Any], end: float, span: float) -> Message:
        id_ = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        moment = datetime.fromtimestamp(round(end - chance.uniform(0, span), 3), UTC).isoformat()
        body = orjson.dumps({**event, "messageId": id_, "timestamp": moment})
        return Message(source, False, event["anonymousId"].encode(), body, id_)

    names = [f"storm-{seed}-{number}" for number in range(browsers)]
    users = [f"user-{seed}-{0 if number < hot else 1 + number % max(people - 1, 1)}" for number in range(browsers)]
    browsing = [
        message("web", {"type": "page", "name": "Product", "anonymousId": name}, end, 20 * DAY) for name in names
    ]
    recognised = [
        message(
            chance.choice(("web", "app")),
            {"type": "track", "event": "Signed In", "userId": user, "anonymousId": name},
            time.time(),
            60.0,
        )
        for name, user in zip(names, users, strict=True)
    ]
    chance.shuffle(browsing)
    chance.shuffle(recognised)
    return Storm(browsing, recognised)


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from Kafka's having an order until the profile has it."""

    count: int
    p50: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: list[float]) -> Latency:
        """Of some orders."""
        ordered = sorted(seconds)
        last = len(ordered) - 1
        return cls(len(ordered), ordered[round(last * 0.5)], ordered[round(last * 0.99)], ordered[-1])


@dataclass(slots=True)
class StormOutcome:
    """What came of a storm."""

    outcome: Outcome
    seconds: float  # from the first recognition sent until all was merged
    calm: Latency
    storm: Latency
    over_limits: int  # profiles that hold more than the plan allows
    most_waiting: int  # records that were seen to wait in `profile.events` at one moment
    most_merging: int  # of what the linker has decided, records that were not applied at one moment


def ride_out(trial: Trial, storm: Storm, rate: float = 10.0) -> StormOutcome:
    """Send a storm to an installation that runs, and judge what came of it."""
    plan = trial.fleet.plan
    trial.send(storm.browsing)
    trial.until_done(_PATIENCE)
    trial.watch.until_live(_PATIENCE)
    others = Others(trial.fleet.settings, plan, rate)
    try:
        time.sleep(_CALM)
        begun = time.monotonic()
        trial.send(storm.recognised)
        trial.until_done(_PATIENCE, quiet=1.0, slack=_SLACK)
        over = time.monotonic()
    finally:
        others.stop()
    outcome = trial.finish(_PATIENCE)
    limits = {rule.type: rule.limit for rule in plan.identities}
    held = trial.watch.linked().values()
    over_limits = sum(
        len(identities) > plan.most_identities
        or any(sum(kind == type_ for type_, _ in identities) > limit for kind, limit in limits.items())
        for identities in held
    )
    calm, stormy = others.latencies(0.0, begun), others.latencies(begun, over)
    return StormOutcome(
        outcome, over - begun, Latency.of(calm), Latency.of(stormy), over_limits, others.most_waiting,
        _most_under_way(others.looks, trial.watch.records(PROFILE_EVENTS), trial.fleet.settings),
    )  # fmt: skip


def _most_under_way(looks: Sequence[tuple[int, ...]], records: Iterable[Stored], settings: Settings) -> int:
    """Of the records that merges consist of, the most whose cause was committed while they were not applied.

    However long anything takes: each look is at one moment of Redis, and what caused what is in the log.

    Args:
        looks: up to where each partition of `profile.events`, and then `identity.links`, was applied.
        records: all of `profile.events`.
        settings: of the installation.
    """
    links, events = settings.partitions, topic_name(settings, PROFILE_EVENTS)
    places = {topic_name(settings, IDENTITY_LINKS): [links], events: range(settings.partitions)}
    steps = []  # (place of the cause, offset there, own partition, own offset)
    for record in records:
        topic, number, position = _decode(record.value or b"").origin
        if topic in places:
            steps.append((places[topic][number], position >> SENT_BITS, record.partition, record.offset))
    causes, caused, partitions, offsets = np.array(steps).T
    moments = (np.array(look) for look in set(looks))
    return max(int(((at[causes] >= caused) & (at[partitions] < offsets)).sum()) for at in moments)


class Others:
    """Customers whom the storm does not concern: each orders once, and is looked for until the order is there."""

    def __init__(self, settings: Settings, plan: Plan, rate: float) -> None:
        self._settings = settings
        self._plan = plan
        self._rate = rate
        self._topic = topic_name(settings, plan.sources["purchase"].topic)
        self._stopped = threading.Event()
        self._waiting: dict[str, float] = {}  # profile → when Kafka had the order
        self.most_waiting = 0  # in `profile.events`
        self.looks: list[tuple[int, ...]] = []  # see `_most_under_way`
        self._found: list[tuple[float, float]] = []  # (when Kafka had it, seconds until it could be read)
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._order, self._look)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Order no more, and wait for what has been ordered."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def latencies(self, begin: float, end: float) -> list[float]:
        """Of the orders that Kafka had within a time."""
        found = sorted(self._found)
        return [seconds for _, seconds in found[bisect.bisect(found, (begin,)) : bisect.bisect(found, (end,))]]

    def _order(self) -> None:
        producer = KafkaProducer(
            bootstrap_servers=self._settings.kafka, acks="all", enable_idempotence=False, linger_ms=0
        )
        number = 0
        while not self._stopped.wait(1 / self._rate):
            number += 1
            user = f"calm-{number}"
            event = {
                "type": "track", "event": "Order Completed", "userId": user, "messageId": user,
                "timestamp": datetime.now(UTC).isoformat(),
                "properties": {"order_id": user, "revenue": 10.0, "currency": "EUR"},
            }  # fmt: skip
            producer.send(self._topic, orjson.dumps(event), user.encode()).get(60)
            with self._lock:
                self._waiting[profile_id(self._plan.namespace, ("user_id", user))] = time.monotonic()
        producer.close()

    def _look(self) -> None:
        redis = Redis.from_url(self._settings.redis.get_secret_value())
        kafka = KafkaConsumer(bootstrap_servers=self._settings.kafka)
        name = topic_name(self._settings, PROFILE_EVENTS)
        kafka.partitions_for_topic(name)  # the client answers offsets only of topics that it knows
        places = [TopicPartition(name, number) for number in range(self._settings.partitions)]
        give_up = 0.0
        while not (self._stopped.is_set() and (not self._waiting or time.monotonic() > give_up)):
            if not self._stopped.is_set():
                give_up = time.monotonic() + 120
            with self._lock:
                waiting = list(self._waiting.items())
            # Asked for before what is applied: however long that takes, no more is seen to wait than does.
            ends = kafka.end_offsets(places)
            with redis.pipeline(transaction=True) as pipeline:  # at one moment
                for id_, _ in waiting:
                    pipeline.hexists(Keys.of(partition_of(id_, self._settings.partitions)).profiles, id_)
                for meta in (*(Keys.of(place.partition).meta for place in places), IDENTITY.meta):
                    pipeline.hget(meta, "applied")
                there = pipeline.execute()
            now = time.monotonic()
            applied = [int(-1 if offset is None else offset) for offset in there[len(waiting) :]]
            self.looks.append(tuple(applied))
            left = [max(ends[place] - applied[place.partition] - 1, 0) for place in places]
            self.most_waiting = max(self.most_waiting, sum(left))
            for (id_, since), is_there in zip(waiting, there[: len(waiting)], strict=True):
                if is_there:
                    self._found.append((since, now - since))
                    with self._lock:
                        del self._waiting[id_]
            time.sleep(0.01)
        redis.close()
        kafka.close()
        assert not self._waiting, f"{len(self._waiting)} orders of other customers are in no profile"
