"""The memory of training records that were taken before."""

from __future__ import annotations

from itertools import product

from models.learning.records.repeats import MEMORY, Repeats

PARTITIONS, DUE, RECORDS = 16, 1000, 4
"""A worker that is killed while history is read, and the partitions that it had: the last commit of each is delivered
again. A commit takes up so many due customers; each may be told of by an order summary and by short and full
examples."""


def test_what_every_partition_delivers_again_is_known() -> None:
    keys = [f"{record}:{partition}:{who}" for partition, who, record in
            product(range(PARTITIONS), range(DUE), range(RECORDS))]  # fmt: skip
    repeats = Repeats()

    assert all(repeats.first_time(key) for key in keys)
    assert not any(repeats.first_time(key) for key in keys)


def test_it_is_bounded_and_the_same_after_a_restart() -> None:
    repeats = Repeats()
    for number in range(2 * MEMORY):
        repeats.first_time(str(number))
    again = Repeats.from_parts(repeats.parts())

    assert MEMORY <= len(repeats) == len(again) < MEMORY + 2000
    assert not again.first_time(str(2 * MEMORY - 1))
    assert again.first_time("0")
    assert again.first_time("new") == repeats.first_time("new")
