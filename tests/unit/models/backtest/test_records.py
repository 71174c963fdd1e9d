"""Records of a log that need not be in memory."""

from __future__ import annotations

from models.backtest.records import Ahead, Repeatable, mentioned
from profiles.types import Event, Merge


def event(profile: str, time: float) -> Event:
    return Event(profile, f"{time}", "web", "page", "Home", "visit", time, time)


RECORDS: list[Event | Merge] = [event("b", 1.0), event("a", 2.0), Merge("a", "z", 2.0, []), event("b", 3.0)]


def test_records_can_be_gone_through_again() -> None:
    """Also by two at a time."""
    records = Repeatable(lambda: (record for record in RECORDS))

    assert [pair[0] for pair in zip(records, records, strict=True)] == list(records) == RECORDS


def test_records_are_taken_as_time_passes() -> None:
    """Each once, those of the very moment too."""
    ahead = Ahead(RECORDS)

    assert [list(ahead.upto(time)) for time in (0.5, 2.0, 2.0, 9.0)] == [[], RECORDS[:3], [], RECORDS[3:]]
    assert list(Ahead([]).upto(9.0)) == []


def test_profiles_are_numbered_as_they_come() -> None:
    """A winner that nothing ever happened to comes last."""
    assert mentioned(RECORDS) == ["b", "a", "z"]
