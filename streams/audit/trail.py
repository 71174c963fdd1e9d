"""The audit trail: every look at a customer, every search, decision and sign-in, as records of the topic `audit`.

Whoever looks does not wait for Kafka: rows wait in memory, are produced in the background, some of them at once, and
the last ones when the process ends. Killed outright it loses the rows of its last instants; while Kafka is away the
latest 100,000 wait. A row names a customer by profile id only, so an erasure leaves it as it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from aiokafka.structs import ConsumerRecord

from profiles.errors import RapportError
from streams.kafka.client import Unavailable
from streams.kafka.output import Produces, Row
from streams.kafka.reader import Extent, Log, NoTopic
from streams.kafka.topics import AUDIT, topic_name
from streams.settings import Settings

__all__ = ["AuditRow", "AuditTrail", "Page", "Wanted", "write_rows"]

log = logging.getLogger(__name__)

_WAITING = 100_000  # rows
_AT_ONCE = 500
_PATIENCE = 5.0  # seconds, for Kafka
_PAUSE = 1.0  # seconds, after Kafka has refused
_END_OF_TIME = 253_402_300_800.0  # seconds since the epoch, at which the year 10000 begins: no calendar writes it
_LATE = 3600.0  # seconds that a row may come after ones that are younger, from another console
_LOOK_BACK = (1_000, 10_000, 50_000)  # records that are looked through, until there are enough of those asked for


class AuditRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody did."""

    at: float  # seconds since the epoch
    actor: str  # account, or what a token is for; "": nobody known
    via: str  # page, api, embed, mcp, command
    action: str  # as in profile.view
    object: str = ""  # profile id, or the model, alert, account… that it is about
    token: str = ""  # its id
    address: str = ""
    fields: tuple[str, ...] = ()
    reason: str = ""
    result: str = "ok"  # else the status that was answered


class Wanted(NamedTuple):
    """Which rows somebody wants to see; without anything: all."""

    object: str | frozenset[str] | None = None  # one, or any of these
    actor: str | None = None
    action: str | None = None  # as in profile.view; all that begin with it, if it is `profile`
    since: float | None = None  # seconds since the epoch

    def has(self, row: AuditRow) -> bool:
        """Whether this is one of them."""
        return (
            (self.object is None or row.object == self.object or self._among(row.object))
            and (self.actor is None or row.actor == self.actor)
            and (self.action is None or row.action == self.action or row.action.startswith(f"{self.action}."))
            and (self.since is None or row.at >= self.since)
        )

    def _among(self, object_: str) -> bool:
        return isinstance(self.object, frozenset) and object_ in self.object


class Page(NamedTuple):
    """Rows, the newest first, and where the next page begins."""

    rows: list[AuditRow]
    following: int | None
    unreadable: int = 0  # records that were passed over, of those looked through
    end: int = 0  # where rows begin that come after all these


_ALL = Wanted()

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AuditRow).decode


class AuditTrail:
    """Writes the trail, and reads it.

    Args:
        producer: to Kafka.
        kafka: from which it is read.
        settings: the topic's prefix.
    """

    def __init__(self, producer: Produces, kafka: Log, settings: Settings) -> None:
        self._producer = producer
        self._log = kafka
        self._topic = topic_name(settings, AUDIT)
        self._waiting: deque[AuditRow] = deque()
        self._lost = 0
        self._writing: asyncio.Task[None] | None = None

    def note(self, row: AuditRow) -> None:
        """Take a row; it is on its way when this returns."""
        if len(self._waiting) >= _WAITING:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(row)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def stop(self) -> None:
        """Write what waits; gives up after five seconds, and says how much is lost."""
        if self._writing is not None and not self._writing.done():
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._writing
            except TimeoutError:
                log.error("%d rows of the audit trail are lost: Kafka does not answer", len(self._waiting))  # noqa: TRY400

    async def newest(self, limit: int, wanted: Wanted = _ALL, *, before: int | None = None, after: int = 0) -> Page:
        """The newest rows of those that somebody wants; among the latest 50,000 from where a page begins.

        Args:
            limit: most rows.
            wanted: which.
            before: where the page begins, `following` of the one before.
            after: `end` of a page whose rows are known.

        Raises:
            Unavailable: Kafka does not answer.
        """
        await self._settle()
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._newest(limit, wanted, before, after)
        except NoTopic:
            return Page([], None)  # nothing was written yet
        except TimeoutError as error:
            raise Unavailable("Kafka does not answer") from error

    async def end(self) -> int:
        """Where rows begin that are not there yet; while Kafka is away, nowhere new.

        Raises:
            Unavailable: Kafka does not answer.
        """
        await self._settle()
        try:
            async with asyncio.timeout(_PATIENCE):
                (held,) = await self._log.extents(self._topic)
        except NoTopic:
            return 0
        except TimeoutError as error:
            raise Unavailable("Kafka does not answer") from error
        return held.end

    async def _newest(self, limit: int, wanted: Wanted, before: int | None, after: int) -> Page:
        (held,) = await self._log.extents(self._topic)
        held = held._replace(start=min(max(held.start, after), held.end))
        end = held.end if before is None else min(before, held.end)
        found: list[tuple[int, AuditRow]] = []
        unreadable: list[int] = []
        upper = end
        for back in _LOOK_BACK:
            lower = max(held.start, end - back)
            part: list[tuple[int, AuditRow]] = []
            records = await self._read(held._replace(start=lower, end=upper))
            for record in records:
                row = _row_of(record)
                if row is None:
                    unreadable.append(record.offset)
                elif wanted.has(row):
                    part.append((record.offset, row))
            found += reversed(part)
            upper = lower
            if len(found) > limit or lower == held.start:
                break
            if records and records[0].timestamp / 1000 + _LATE < (wanted.since or 0.0):
                upper = held.start  # all before are older still
                break
        shown = found[:limit]
        more = len(found) > limit or upper > held.start
        at = shown[-1][0] if len(found) > limit else upper
        passed = sum(offset >= at for offset in unreadable)  # each on one page only
        return Page([row for _, row in shown], at if more else None, passed, held.end)

    async def _read(self, extent: Extent) -> list[ConsumerRecord]:
        if not extent.records:
            return []
        return [record async for batch in self._log.read([extent], accept_gaps=True) for record in batch.records]

    async def _settle(self) -> None:
        """Wait a moment for what was just noted: who did something looks for it here."""
        if self._writing is not None and not self._writing.done():
            await asyncio.wait([self._writing], timeout=1.0)

    async def _write(self) -> None:
        while self._waiting:
            if self._lost:
                log.error("%d rows of the audit trail are lost: Kafka has been away for too long", self._lost)
                self._lost = 0
            rows = [self._waiting[place] for place in range(min(_AT_ONCE, len(self._waiting)))]
            try:
                await self._producer.produce(_record(self._topic, row) for row in rows)
            except RapportError as error:
                log.warning("the audit trail cannot be written (%s); it waits", error)
                await asyncio.sleep(_PAUSE)
                continue
            for row in rows:
                if self._waiting and self._waiting[0] is row:  # else it had to make room
                    self._waiting.popleft()


async def write_rows(producer: Produces, settings: Settings, rows: Iterable[AuditRow]) -> None:
    """Write rows now: of whoever does one thing and ends.

    Raises:
        RapportError: Kafka does not take them.
    """
    topic = topic_name(settings, AUDIT)
    await producer.produce([_record(topic, row) for row in rows])


def _record(topic: str, row: AuditRow) -> Row:
    return Row(topic, 0, (row.object or row.actor).encode(), _encode(row))


def _row_of(record: ConsumerRecord) -> AuditRow | None:
    """What a record says; None: it was not written by us, or is damaged. One such must not hide all others."""
    try:
        row = _decode(record.value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return row if 0 <= row.at < _END_OF_TIME else None
