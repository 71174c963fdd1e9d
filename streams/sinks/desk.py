"""What sinks were told, for who looks; and what their owners may be asked: to put back what is dead, to tell again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from profiles.errors import NotFound
from streams.clock import WALL, Clock
from streams.kafka.output import Produces, Row
from streams.kafka.reader import Log, NoTopic
from streams.kafka.topics import DELIVERIES, topic_name
from streams.records.deliveries import (
    Condition,
    Delivery,
    Letter,
    Over,
    Reconciled,
    Request,
    Waiting,
    decode_delivery,
    encode_delivery,
    key_of,
)
from streams.settings import Settings
from streams.sinks.deciding.ledger import Ledger

__all__ = ["Asked", "DeliveryDesk", "Found", "SinkState", "read_ledger"]

_LOOKED_THROUGH = 50_000  # records, the newest, where not all are asked for


class Asked(NamedTuple):
    """Which messages somebody wants to see; without anything: all."""

    sink: str | None = None
    state: str | None = None
    id: str | None = None

    def has(self, letter: Letter) -> bool:
        """Whether this is one of them."""
        return (
            (self.sink is None or letter.sink == self.sink)
            and (self.state is None or letter.state == self.state)
            and (self.id is None or letter.id == self.id)
        )


class SinkState(NamedTuple):
    """How a sink is."""

    name: str
    disabled: str  # why it is told nothing any more
    failing: float  # since when every attempt has failed; 0: it works
    pending: int  # messages to be sent, or sent again
    waiting: int  # alerts that wait for others or for a time
    dead: int
    delivered: int
    reconciled: Reconciled | None = None  # how what it knows of segments was compared with the store last
    asked: bool = False  # …and is to be, because somebody asked for it


class Found(NamedTuple):
    """What there is."""

    letters: list[Letter]  # the newest first
    sinks: list[SinkState]
    more: bool  # than were asked for


class DeliveryDesk:
    """Reads `deliveries`, and writes requests there.

    Args:
        kafka: from which it is read.
        producer: to Kafka.
        settings: the topic's prefix.
        clock: of requests.
    """

    def __init__(self, kafka: Log, producer: Produces, settings: Settings, clock: Clock = WALL) -> None:
        self._kafka = kafka
        self._producer = producer
        self._topic = topic_name(settings, DELIVERIES)
        self._clock = clock

    async def look(
        self, asked: Asked | None = None, limit: int = 50, *, sinks: Sequence[str] = (), whole: bool = False
    ) -> Found:
        """The newest messages and how the sinks are.

        Args:
            asked: which messages.
            limit: most of them.
            sinks: that are shown though nothing is known of them.
            whole: look through everything, not the newest 50,000 records.

        Raises:
            Unavailable: Kafka does not answer.
        """
        asked = asked or Asked()
        newest = await self._newest(whole=whole)
        letters = [record for record in newest if isinstance(record, Letter)]
        chosen = [letter for letter in reversed(letters) if asked.has(letter)]
        chosen.sort(key=_latest, reverse=True)
        waiting = _still_waiting(newest, letters)
        conditions = {record.sink: record for record in newest if isinstance(record, Condition)}
        compared = {record.sink: record for record in newest if isinstance(record, Reconciled)}
        asked_for = {
            record.sink
            for record in newest
            if isinstance(record, Request) and record.action == "reconcile"
            and ((last := compared.get(record.sink)) is None or record.at > last.began)
        }  # fmt: skip
        names = dict.fromkeys([*sinks, *(record.sink for record in newest)])
        states = []
        for name in names:
            mine = [letter.state for letter in letters if letter.sink == name]
            held = conditions.get(name, Condition(name, 0.0))
            states.append(
                SinkState(
                    name, held.disabled, held.failing, sum(state in ("due", "trying", "again") for state in mine),
                    sum(one.sink == name for one in waiting), mine.count("dead"), mine.count("delivered"),
                    compared.get(name), name in asked_for,
                )
            )  # fmt: skip
        return Found(chosen[:limit], states, len(chosen) > limit)

    async def replay(self, asked: Asked, by: str) -> list[str]:
        """Put dead messages back; answers their ids.

        Raises:
            NotFound: none of these is dead.
            Unavailable: Kafka does not answer.
        """
        found = await self.look(asked._replace(state="dead"), limit=100_000, whole=True)
        if not found.letters:
            raise NotFound("no message that is dead is like that; `rapport deliver list --state dead` lists them")
        await self._ask([self._request(letter.sink, "replay", by, letter) for letter in reversed(found.letters)])
        return [letter.id for letter in found.letters]

    async def enable(self, sink: str, by: str) -> None:
        """Let a sink be told again that is told nothing any more."""
        await self._ask([self._request(sink, "enable", by)])

    async def reconcile(self, sink: str, by: str, *, everybody: bool = False) -> str:
        """Have what a sink knows of segments compared with the store, and told what differs; answers the request's id.

        Args:
            sink: which.
            by: who asks.
            everybody: tell it of those, too, who were members before it began.
        """
        request = msgspec.structs.replace(self._request(sink, "reconcile", by), everybody=everybody)
        await self._ask([request])
        return request.id

    async def reconciled(self, sink: str, request: str) -> Reconciled | None:
        """What came of such a request; None while it is not done."""
        newest = await self._newest(whole=False)
        found = (record for record in newest if isinstance(record, Reconciled) and record.sink == sink)
        return next((record for record in found if record.request == request), None)

    def _request(self, sink: str, action: str, by: str, letter: Letter | None = None) -> Request:
        told: dict[str, object] = {"sink": sink, "id": os.urandom(8).hex(), "action": action, "by": by}
        return Request(at=self._clock.now(), letter=letter, **told)  # type: ignore[arg-type]

    async def _ask(self, requests: Sequence[Request]) -> None:
        await self._producer.produce([Row(self._topic, 0, key_of(each), encode_delivery(each)) for each in requests])

    async def _newest(self, *, whole: bool) -> list[Delivery]:
        """The newest record of each key, the oldest first."""
        try:
            extents = await self._kafka.extents(self._topic)
        except NoTopic:
            return []
        if not whole:
            extents = [each._replace(start=max(each.start, each.end - _LOOKED_THROUGH)) for each in extents]
        found: dict[bytes, Delivery] = {}
        async for batch in self._kafka.read(extents, accept_gaps=True):
            for record in batch.records:
                if record.key is None or record.value is None:
                    continue
                if record.key.partition(b"/")[2].startswith((b"@position", b"in/")):
                    continue
                found.pop(record.key, None)
                try:
                    found[record.key] = decode_delivery(record.value)
                except msgspec.DecodeError:
                    continue
        return list(found.values())


async def read_ledger(kafka: Log, settings: Settings, sink: str) -> Ledger:
    """All that is known of a sink, for who only looks.

    Raises:
        Unavailable: Kafka does not answer.
    """
    ledger = Ledger(sink)
    prefix = f"{sink}/".encode()
    try:
        extents = await kafka.extents(topic_name(settings, DELIVERIES))
    except NoTopic:
        return ledger
    async for batch in kafka.read(extents, accept_gaps=True):
        for record in batch.records:
            if record.key is None or record.value is None or not record.key.startswith(prefix):
                continue
            with contextlib.suppress(msgspec.DecodeError):
                ledger.apply(decode_delivery(record.value))
    return ledger


def _still_waiting(newest: Sequence[Delivery], letters: Sequence[Letter]) -> list[Waiting]:
    told = {(letter.sink, entry.id) for letter in letters for entry in letter.entries}
    gone = told | {(record.sink, record.id) for record in newest if isinstance(record, Over)}
    return [record for record in newest if isinstance(record, Waiting) and (record.sink, record.entry.id) not in gone]


def _latest(letter: Letter) -> float:
    return max([letter.formed, *(attempt.at for attempt in letter.attempts)])
