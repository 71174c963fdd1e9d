"""The audit trail: what is noted is found, newest first, however often Kafka refuses, and nobody waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

import pytest

from streams.audit import trail as module
from streams.audit.trail import AuditRow, AuditTrail, Wanted
from streams.kafka.client import Unavailable
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.kafka.topics import AUDIT
from streams.settings import Settings


class Away:
    """A Kafka that refuses until it is back."""

    def __init__(self, kafka: MemoryLog) -> None:
        self.kafka = kafka
        self.back = asyncio.Event()

    async def produce(self, rows: Iterable[Row]) -> object:
        """As the producer does."""
        if not self.back.is_set():
            raise Unavailable("not there")
        return await self.kafka.produce(rows)


def run(test: Callable[[AuditTrail, Away], Awaitable[None]]) -> None:
    async def prepared() -> None:
        kafka = MemoryLog({AUDIT: 1})
        away = Away(kafka)
        await test(AuditTrail(away, kafka, Settings()), away)

    asyncio.run(prepared())


def row(number: int, object_: str = "p", actor: str = "kim") -> AuditRow:
    return AuditRow(float(number), actor, "page", "profile.view", object_)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.0)


def test_what_was_noted_while_kafka_was_away_is_there_in_order_once_it_is_back() -> None:
    async def test(trail: AuditTrail, away: Away) -> None:
        for number in range(3):
            trail.note(row(number))
            await asyncio.sleep(0)
        away.back.set()
        await trail.stop()

        assert [found.at for found in (await trail.newest(10)).rows] == [2.0, 1.0, 0.0]

    run(test)


def test_rows_are_found_by_whom_they_are_about_and_who_did_it_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_BACK", (3, 7, 1000))

    async def test(trail: AuditTrail, away: Away) -> None:
        away.back.set()
        for number in range(20):
            trail.note(row(number, "p" if number % 3 == 0 else "q", "kim" if number % 2 else "lee"))
        await trail.stop()

        seen: list[float] = []
        page = await trail.newest(2, Wanted("p"))
        seen += [found.at for found in page.rows]
        while page.following is not None:
            page = await trail.newest(2, Wanted("p"), before=page.following)
            seen += [found.at for found in page.rows]
        assert seen == [18.0, 15.0, 12.0, 9.0, 6.0, 3.0, 0.0]
        assert [found.at for found in (await trail.newest(50, Wanted("p", "kim"))).rows] == [15.0, 9.0, 3.0]

    run(test)


def test_no_more_rows_wait_than_memory_has_room_for_and_the_loss_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_WAITING", 5)

    async def test(trail: AuditTrail, away: Away) -> None:
        for number in range(8):
            trail.note(row(number))
        away.back.set()
        await trail.stop()

        assert [found.at for found in (await trail.newest(10)).rows] == [7.0, 6.0, 5.0, 4.0, 3.0]
        assert "3 rows of the audit trail are lost" in caplog.text

    run(test)


def test_an_end_without_kafka_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.01)

    async def test(trail: AuditTrail, _: Away) -> None:
        trail.note(row(1))
        await trail.stop()
        assert "1 rows of the audit trail are lost" in caplog.text

    run(test)


BAD = [
    b"",
    b"not JSON",
    b'{"at":1.0,"actor":"kim","via":"page"}',
    b'{"at":"then","actor":"kim","via":"page","action":"x"}',
    b'{"at":1e300,"actor":"kim","via":"page","action":"x"}',
    b'{"at":-1.0,"actor":"kim","via":"page","action":"x"}',
    b'{"at":1.0,"actor":"\xff","via":"page","action":"x"}',
    b'{"at":1.0,"actor":"kim","via":"page","action":"x","more":' + b"[" * 100_000,
    b"[]",
]


def test_a_record_that_cannot_be_read_hides_no_other_and_is_counted_once() -> None:
    async def test(trail: AuditTrail, away: Away) -> None:
        away.back.set()
        for number, bad in enumerate(BAD):
            trail.note(row(number))
            await trail.stop()
            await away.kafka.produce([Row(AUDIT, 0, b"p", bad)])
        assert [found.at for found in (await trail.newest(50)).rows] == [float(n) for n in reversed(range(len(BAD)))]

        pages = [await trail.newest(2)]
        while (before := pages[-1].following) is not None:
            pages.append(await trail.newest(2, before=before))
        assert sum(len(page.rows) for page in pages) == len(BAD)
        assert sum(page.unreadable for page in pages) == (await trail.newest(50)).unreadable == len(BAD)

    run(test)


def test_where_nothing_was_ever_written_there_is_nothing() -> None:
    async def test() -> None:
        kafka = MemoryLog({})
        assert await AuditTrail(kafka, kafka, Settings()).newest(10) == ([], None, 0, 0)

    asyncio.run(test())


def test_rows_are_found_by_what_was_done_and_since_when(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a look back ends at records that are too old, and of those that are new since a page was read."""
    monkeypatch.setattr(module, "_LOOK_BACK", (2, 4, 1000))

    async def test(trail: AuditTrail, away: Away) -> None:
        away.back.set()
        now = time.time()
        for number, action in enumerate(("profile.view", "profile.reveal", "profiles", "search", "profile.reveal")):
            trail.note(AuditRow(now - 10_000 + number, "kim", "page", action, "p"))
        await trail.stop()

        async def found(wanted: Wanted, **more: int) -> list[str]:
            return [row.action for row in (await trail.newest(50, wanted, **more)).rows]

        assert await found(Wanted(action="profile.reveal")) == ["profile.reveal", "profile.reveal"]
        assert len(await found(Wanted(frozenset({"p", "q"})))) == 5
        assert await found(Wanted(frozenset({"q"}))) == []
        assert await found(Wanted(action="profile")) == ["profile.reveal", "profile.reveal", "profile.view"]
        assert await found(Wanted(since=now - 10_000 + 2)) == ["profile.reveal", "search", "profiles"]
        page = await trail.newest(50)
        assert page.end == await trail.end() == 5
        assert await found(Wanted(), after=page.end) == []
        trail.note(AuditRow(now, "kim", "page", "search"))
        assert await found(Wanted(), after=page.end) == ["search"]
        assert await found(Wanted(since=now + 7200)) == []
        assert (await trail.newest(50, Wanted(since=now + 7200))).following is None

    run(test)
