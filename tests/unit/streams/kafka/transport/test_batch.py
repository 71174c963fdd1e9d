"""Batches: what continues what."""

from __future__ import annotations

from faust.types import TP

from streams.kafka.transport.batch import Batch, joined
from tests.build import record

TP0 = TP("topic", 0)


def batch(first: int, last: int, follows: int | None = None, epoch: int = 0) -> Batch:
    return Batch(TP0, [record(n) for n in range(first, last)], first if follows is None else follows, epoch)


def test_only_what_continues_in_one_epoch_is_joined() -> None:
    """A batch from before a rewind never merges with the one that was read again."""
    whole = joined([batch(0, 5), batch(5, 8), batch(8, 9, epoch=1), batch(20, 22, follows=20)])

    assert [(part.follows, part.next, part.epoch) for part in whole] == [(0, 8, 0), (8, 9, 1), (20, 22, 0)]
