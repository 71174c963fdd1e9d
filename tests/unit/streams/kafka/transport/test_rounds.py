"""What a round is of: nobody waits behind a flood of somebody else's partition."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from faust.types import TP

from streams.kafka.transport.batch import Batch
from streams.kafka.transport.rounds import Rounds
from streams.settings import Settings
from tests.build import record

FLOODED, SECOND, QUIET = (TP("events.web", number) for number in range(3))


def rounds_of(most: int, fetched: Sequence[tuple[TP, int]]) -> list[list[tuple[int, int, int]]]:
    """The rounds, as (partition, first offset, records) of each batch, that come of what was fetched, in its order."""
    ends: dict[TP, int] = {}
    told: list[list[tuple[int, int, int]]] = []

    async def handle(batches: list[Batch]) -> None:
        told.append([(batch.tp.partition, batch.first, len(batch.records)) for batch in batches])

    async def run() -> None:
        rounds = Rounds(["events.web"], handle, lambda: most, Settings())
        for tp, count in fetched:
            first = ends.get(tp, 0)
            ends[tp] = first + count
            records = [record(first + number, partition=tp.partition) for number in range(count)]
            rounds.put(Batch(tp, records, first))
        await rounds.run(lambda: not rounds.waits)

    asyncio.run(run())
    return told


def test_what_fits_goes_together_in_its_order() -> None:
    assert rounds_of(10, [(FLOODED, 4), (QUIET, 1), (FLOODED, 5)]) == [[(0, 0, 4), (2, 0, 1), (0, 4, 5)]]


def test_what_comes_behind_a_flood_of_other_partitions_goes_first_but_for_what_waits_longest() -> None:
    told = rounds_of(10, [(FLOODED, 6), (FLOODED, 6), (SECOND, 6), (SECOND, 6), (QUIET, 1), (QUIET, 1)])
    assert told == [[(0, 0, 6), (2, 0, 1), (2, 1, 1)], [(0, 6, 6)], [(1, 0, 6)], [(1, 6, 6)]]


def test_a_batch_that_is_larger_than_a_round_is_a_round() -> None:
    assert rounds_of(3, [(FLOODED, 6), (SECOND, 2)]) == [[(0, 0, 6)], [(1, 0, 2)]]


class Before:
    """A reader that stands where it had come before a rebalance, and gets nothing more there."""

    def __init__(self, position: int) -> None:
        state = SimpleNamespace(has_valid_position=True, position=position)
        here = SimpleNamespace(state_value=lambda _: state)
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=here))

    def assignment(self) -> set[TP]:
        return {QUIET}

    async def getmany(self, timeout_ms: int) -> dict[Any, Any]:
        await asyncio.sleep(0)
        return {}


def skipped_by(rounds: Rounds) -> list[tuple[TP, int]]:
    """What is taken for skipped in two looks."""
    told: list[tuple[TP, int]] = []
    looks = iter((False, False, True))

    async def accept(tp: TP, records: Sequence[Any]) -> None:
        raise AssertionError("nothing was fetched")

    asyncio.run(rounds.read(accept, lambda tp, offset: told.append((tp, offset)), lambda: next(looks)))
    return told


def test_a_reader_that_has_not_yet_been_sent_back_has_skipped_nothing() -> None:
    """After a rebalance the group's offset counts; were its place believed, what is up to there would be lost."""

    async def handle(batches: list[Batch]) -> None: ...

    rounds = Rounds(["events.web"], handle, lambda: 10, Settings())
    rounds._reader, rounds._mine = Before(267), frozenset({QUIET})
    assert set(skipped_by(rounds)) == {(QUIET, 267)}

    rounds.forget()
    assert skipped_by(rounds) == []
