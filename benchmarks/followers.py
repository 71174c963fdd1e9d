"""Who wait for what becomes of an event: a reader of Redis, and consumers of what the worker produces.

An event is *accepted* when its sender has the collector's 200. It is *readable* when a read of its customer's profile
in Redis, repeated every few milliseconds, finds it; that is asked for a sample. It is *told* when a consumer of
`profile.changes` has the document that holds it; that is asked for the events of one customer in eight. Its *alert*
has arrived when a consumer of `alerts` has it.

The two stages in between are read off the records' own times: the neutral event on `profile.events`, against its
receipt by the collector, and the document on `profile.changes`, against that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from types import TracebackType

import msgspec
import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord

from plan import Plan
from profiles.documents import decode_profile
from profiles.stores import open_stores
from profiles.types import Event, Profile, Record, event_digest, partition_of, profile_id
from streams.kafka.topics import ALERTS, PROFILE_CHANGES, PROFILE_EVENTS, topic_name
from streams.settings import Settings

__all__ = ["Followers"]

_SAMPLE = 100  # one event in so many is looked for in Redis
_EVERY = 0.004  # seconds between looks, at first
_FINENESS = 0.05  # later: this share of what has passed, so that looking does not load a slow system further
_RULE = "very_unhappy"
_decode = msgspec.msgpack.Decoder(Record).decode


class Followers:
    """Collects latencies, in seconds, of what is sent while `count` is set."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self._namespace = plan.namespace
        self._reader = open_stores(settings.redis.get_secret_value(), plan.namespace, settings.partitions).reader
        self._consumers = [
            AIOKafkaConsumer(topic_name(settings, topic), bootstrap_servers=settings.kafka, fetch_max_wait_ms=100)
            for topic in (PROFILE_EVENTS, PROFILE_CHANGES, ALERTS)
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._looks: set[asyncio.Task[None]] = set()
        self._number = 0
        self.count = False
        self.accepted = 0
        self.cpu: dict[str, float] = {}
        self._answered: list[float] = []
        self._readable: list[float] = []
        self._told: list[float] = []
        self._alerts: list[float] = []
        self._ingested: list[float] = []
        self._derived: list[float] = []
        self._neutral: dict[bytes, float] = {}  # digest → when it was produced to profile.events
        self._waiting: dict[str, dict[bytes, float]] = {}  # profile id → digest → accepted
        self._early: dict[str, dict[bytes, float]] = {}  # told before the sender had its 200
        self._unhappy: dict[str, float] = {}  # profile id → accepted; 0 until then
        self._early_alerts: dict[str, float] = {}

    async def __aenter__(self) -> Followers:
        handlers = (self._follow_events, self._follow_changes, self._follow_alerts)
        for consumer, handle in zip(self._consumers, handlers, strict=True):
            await consumer.start()
            await consumer.seek_to_end()
            self._tasks.append(asyncio.create_task(handle(consumer)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in (*self._tasks, *self._looks):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._looks, return_exceptions=True)
        for consumer in self._consumers:
            await consumer.stop()
        await self._reader.close()

    def expect_alert(self, user: str) -> None:
        """An event of this customer is about to be sent, and raises an alert."""
        self._unhappy[self._profile(user)] = 0.0

    def sent(self, events: list[tuple[str, str]], asked: float, accepted: float) -> None:
        """A request was answered with 200; events are (user, message id)."""
        if not self.count:
            for user, _ in events:
                self._unhappy.pop(self._profile(user), None)
            return
        self.accepted += len(events)
        self._answered.append(accepted - asked)
        for user, message in events:
            self._number += 1
            id_ = self._profile(user)
            digest = event_digest("support" if id_ in self._unhappy else "web", message)
            told = self._early.get(id_, {}).pop(digest, None)
            if told is not None:
                self._told.append(told - accepted)
            elif _followed(id_):
                self._waiting.setdefault(id_, {})[digest] = accepted
            if id_ in self._unhappy:
                if (arrived := self._early_alerts.pop(id_, None)) is not None:
                    self._alerts.append(arrived - accepted)
                    del self._unhappy[id_]
                else:
                    self._unhappy[id_] = accepted
            if self._number % _SAMPLE == 0:
                look = asyncio.create_task(self._look(id_, digest, accepted))
                self._looks.add(look)
                look.add_done_callback(self._looks.discard)

    async def until_all_arrived(self, timeout: float) -> None:
        """Wait for the rest, but not for ever."""
        deadline = time.monotonic() + timeout
        while (self._waiting or self._unhappy or self._looks) and time.monotonic() < deadline:  # noqa: ASYNC110  (rare)
            await asyncio.sleep(0.1)

    def missing(self) -> dict[str, int]:
        """What has not arrived."""
        return {
            "profiles": sum(map(len, self._waiting.values())),
            "alerts": len(self._unhappy),
            "reads": len(self._looks),
        }

    def latencies(self) -> dict[str, list[float]]:
        """Seconds, by what they are of."""
        return {
            "request → 200": self._answered,
            "of it: received → on profile.events": self._ingested,
            "of it: → committed, on profile.changes": self._derived,
            "200 → readable in Redis (sample)": self._readable,
            "200 → read from profile.changes": self._told,
            "200 → read from alerts": self._alerts,
        }

    async def _look(self, id_: str, digest: bytes, accepted: float) -> None:
        while True:
            profile = await self._reader.profile(id_)
            if profile is not None and digest in _digests(profile):
                self._readable.append(time.time() - accepted)
                return
            await asyncio.sleep(max(_EVERY, _FINENESS * (time.time() - accepted)))

    async def _follow_events(self, consumer: AIOKafkaConsumer) -> None:
        async for record, _ in _records(consumer):
            if self.count and _followed(record.key.decode()):
                event = _decode(record.value)
                if type(event) is Event:
                    produced = record.timestamp / 1000
                    self._neutral[event_digest(event.source, event.id)] = produced
                    self._ingested.append(produced - event.received)

    async def _follow_changes(self, consumer: AIOKafkaConsumer) -> None:
        async for record, now in _records(consumer):
            id_ = record.key.decode()
            if not _followed(id_):
                continue
            waiting = self._waiting.get(id_)
            digests = _digests(decode_profile(id_, record.value))
            produced = record.timestamp / 1000
            for digest in digests & self._neutral.keys():
                self._derived.append(produced - self._neutral.pop(digest))
            if waiting is not None:
                for digest in digests & waiting.keys():
                    self._told.append(now - waiting.pop(digest))
                if not waiting:
                    del self._waiting[id_]
            # Those that nobody waits for yet: their sender may still be on its way to the 200.
            held = self._early.get(id_, {})
            self._early[id_] = {digest: held.get(digest, now) for digest in digests}

    async def _follow_alerts(self, consumer: AIOKafkaConsumer) -> None:
        async for record, now in _records(consumer):
            told = orjson.loads(record.value)
            id_ = told.get("profile")
            if id_ not in self._unhappy or "alert" not in told or told["alert"]["rule"] != _RULE:
                continue
            accepted = self._unhappy[id_]
            if accepted:
                self._alerts.append(now - accepted)
                del self._unhappy[id_]
            else:
                self._early_alerts[id_] = now

    def _profile(self, user: str) -> str:
        return profile_id(self._namespace, ("user_id", user))


def _followed(id_: str) -> bool:
    return partition_of(id_, 8) == 0


async def _records(consumer: AIOKafkaConsumer) -> AsyncIterator[tuple[ConsumerRecord, float]]:
    """Records, each with the time at which it was there."""
    while True:
        fetched = await consumer.getmany(timeout_ms=1000)
        now = time.time()
        for records in fetched.values():
            for record in records:
                yield record, now


def _digests(profile: Profile) -> set[bytes]:
    """The latest events that a profile holds; see `profiles.types.event_digest`."""
    seen = profile.seen
    return {seen[at : at + 8] for at in range(0, len(seen), 8)}
