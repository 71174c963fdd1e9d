"""A file goes through the steps of ingest, and its identities through the linker's graph."""

from __future__ import annotations

import tracemalloc
from typing import Any

import orjson

from plan import load_plan
from profiles.times import parse_time
from profiles.types import Event, Merge
from streams.offline import Reading, by_time, read_log
from tests import REPOSITORY

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")
NOW = 1_800_000_000.0
NOW_OF = {day: parse_time(f"2026-03-{day}T10:00:00Z") for day in ("02", "05")}


def read(*events: dict[str, Any], source: str = "web") -> Reading:
    """A file of these events."""
    return read_log([(source, orjson.dumps(event), line) for line, event in enumerate(events, 1)], PLAN, NOW)


def page(time: str, **who: Any) -> dict[str, Any]:
    """Somebody looked at a page."""
    return {"type": "page", "name": "Home", "timestamp": f"2026-03-{time}", "messageId": f"{time}{who}"} | who


def test_events_come_in_the_order_of_their_time() -> None:
    """Whatever the order of the file."""
    reading = read(page("02T10:00:00Z", userId="1"), page("01T10:00:00Z", userId="1"))

    assert [record.time for record in reading.records] == sorted(record.time for record in reading.records)
    assert all(isinstance(record, Event) and record.role == "visit" for record in reading.records)


def test_what_the_plan_does_not_accept_is_left_out_and_told() -> None:
    """By reason, with the line of the first."""
    reading = read({"type": "track", "event": "Nobody Planned This", "userId": "1"}, page("01T10:00:00Z", userId="1"))

    assert reading.rejected == {"unplanned": 1}
    assert reading.examples["unplanned"].startswith("line 1:")
    assert len(reading.records) == 1


def test_an_event_that_comes_twice_counts_once() -> None:
    """By its messageId."""
    one = page("01T10:00:00Z", userId="1")

    reading = read(one, one)

    assert (len(reading.records), reading.repeats) == (1, 1)


def test_what_is_repeated_later_counts_as_it_was_said_first() -> None:
    """First in the file, whatever time a repeat says."""
    first, again = page("05T10:00:00Z", userId="1"), page("05T10:00:00Z", userId="1") | {"timestamp": "2026-03-01"}

    reading = read(first, page("02T10:00:00Z", userId="1"), again)

    assert [record.time for record in reading.records] == [NOW_OF["02"], NOW_OF["05"]]
    assert reading.repeats == 1


def test_memory_does_not_grow_with_events() -> None:
    """Twice as many of the same customers take as much to read, to sort and to go through."""
    peaks = []
    for events in (50, 2_700, 5_400):  # the first loads what is loaded once
        pages = [
            page(f"{i % 28 + 1:02}T10:{i % 60:02}:00Z", userId=f"{i % 5 + 1}", messageId=f"{i}") for i in range(events)
        ]
        rows = (("web", orjson.dumps(one), line) for line, one in enumerate(pages))
        tracemalloc.start()
        reading = read_log(rows, PLAN, NOW, run=20_000)
        assert sum(1 for _ in reading.records) == events
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[2] < 1.2 * peaks[1]


def test_records_are_sorted_as_in_memory() -> None:
    """On disk, those of one time in the order in which they were."""
    records = list(
        read(
            page("02T10:00:00Z", userId="1"), page("01T10:00:00Z", userId="2"), page("01T10:00:00Z", userId="1")
        ).records
    )

    assert list(by_time([*records[::-1], *records], run=1)) == sorted(
        [*records[::-1], *records], key=lambda one: one.time
    )


def test_a_login_makes_two_profiles_one_and_once() -> None:
    """The merge follows the event that tells, in the order of time though the file has it first."""
    reading = read(
        page("05T10:00:00Z", userId="1", anonymousId="browser-1"),
        page("01T10:00:00Z", anonymousId="browser-1"),
        page("06T10:00:00Z", userId="1", anonymousId="browser-1"),
    )

    kinds = [type(record) for record in reading.records]
    assert kinds == [Event, Event, Merge, Event]
    visit, login, merge, _ = reading.records
    assert isinstance(merge, Merge)
    assert (merge.profile, merge.winner) == (visit.profile, login.profile)
    assert reading.merges == 1


def test_two_people_on_one_laptop_stay_two_people() -> None:
    """The limit of the plan, by the linker's own rules."""
    reading = read(
        page("01T10:00:00Z", userId="1", anonymousId="laptop"),
        page("02T10:00:00Z", userId="2", anonymousId="laptop"),
    )

    winners = {record.winner for record in reading.records if isinstance(record, Merge)}
    assert len(winners) == 1
    assert len({record.profile for record in reading.records if isinstance(record, Event)}) == 2
