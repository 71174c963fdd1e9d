"""What came behind the archive: who was erased there, and who came back."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from analysis.archive.manifests import State
from profiles.types import Erase, Event, Lift, Merge, Record
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.rebuild.homes import by_home
from streams.rebuild.ownership import Ownership, identities_from
from streams.rebuild.tail import Erasures, Tail, read_tail
from tests.build import event

_encode = msgspec.msgpack.Encoder().encode


def after(state: State, *records: Record) -> Tail:
    """The end of a log of which the archive holds nothing."""
    log = MemoryLog({"profile.events": 1})

    async def read() -> Tail:
        await log.produce(Row("profile.events", 0, None, _encode(record), []) for record in records)
        return await read_tail(log, state, await log.extents("profile.events"), Ownership("identity.links"))

    return asyncio.run(read())


def digest(home: str) -> str:
    return f"digest of {home}"


def counted(archived: list[Event], state: State, tail: Tail, suppressed: tuple[str, ...] = ()) -> list[str]:
    """The ids of the events that a rebuild counts."""
    erasures = Erasures(state, tail, digest, suppressed)
    found = by_home(archived, dict(tail.events), tail.erased)
    return [each.id for home, events in found if not erasures.erased(home) for each in events]


def told(id_: str) -> Event:
    return event("visit", 1, profile="a", id=id_)


ERASE, LIFT = Erase("a", 2.0), Lift("a", 3.0)


@pytest.mark.parametrize(
    ("erased", "archived", "records", "kept"),
    [
        ({}, ["1"], [told("2"), ERASE, told("3")], []),
        ({}, ["1"], [told("2"), ERASE, told("3"), LIFT, told("4")], ["4"]),
        ({"digest of a": 2.0}, [], [told("3"), LIFT, told("4")], ["4"]),
        ({"digest of a": 2.0}, [], [told("3")], []),
        ({"digest of a": -3.0}, ["4"], [told("5")], ["4", "5"]),
        ({"digest of a": 0.0}, ["4"], [told("5")], ["4", "5"]),
        ({"digest of a": -3.0}, ["4"], [told("5"), ERASE, told("6")], []),
        ({"digest of a": 2.0}, [], [LIFT, told("4"), ERASE, told("5"), LIFT, told("6")], ["6"]),
    ],
)  # fmt: skip
def test_who_comes_back_behind_the_archive_is_not_erased(
    erased: dict[str, float], archived: list[str], records: list[Record], kept: list[str]
) -> None:
    """Nothing of before the erasure counts, and nothing that came late between it and the lift."""
    state = State(erased=erased)

    assert counted([told(id_) for id_ in archived], state, after(state, *records)) == kept


def test_who_is_suppressed_by_the_linker_stays_away_unless_the_log_has_the_lift() -> None:
    """`identity.changes` may be ahead of the archive, or behind the log."""
    assert counted([told("1")], State(), after(State()), ("digest of a",)) == []
    assert counted([], State(), after(State(), LIFT, told("4")), ("digest of a",)) == ["4"]


def test_without_the_linkers_word_it_is_known_since_when_somebody_may_come_back() -> None:
    """So that what happened before stays away; who was erased again does, too."""
    state = State(erased={"digest of a": 2.0, "digest of b": -5.0, "digest of c": -6.0, "digest of d": 7.0})
    tail = after(state, LIFT, Erase("c", 9.0), Merge("x", "y", 1.0, []))
    erasures = Erasures(state, tail, digest)

    links = identities_from(Ownership("identity.links"), {}, erasures.away, erasures.back)

    assert links.suppressed == {"digest of c": 9.0, "digest of d": 7.0}
    assert {one.subject: one.since for one in links.lifted.values()} == {"digest of a": 3.0, "digest of b": 5.0}


def test_what_was_told_before_the_erasure_is_nothing_to_who_has_come_back() -> None:
    """An alert that the erasure ended is not theirs, nor what a person decided on it; what came since is."""
    state = State(erased={"digest of b": -5.0, "digest of d": 7.0})
    erasures = Erasures(state, after(state), digest)

    assert [erasures.counts("b", time) for time in (4.0, 5.0, 6.0)] == [False, True, True]
    assert not erasures.counts("d", 8.0)
    assert erasures.counts("x", 1.0)
