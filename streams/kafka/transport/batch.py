"""A batch: what one fetch returned of one partition. It is what everything in the worker is handed."""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka.structs import ConsumerRecord
from faust.types import TP
from faust.types.tuples import ConsumerMessage

__all__ = ["Batch", "joined"]


class Batch:
    """The records of one partition and fetch, in offset order and never empty.

    `follows` is the offset right after the last record delivered before this batch (or the offset sought to): a
    reader whose own state ends earlier than that has been overtaken and must rewind. `epoch` grows with every rewind
    of the partition, which tells a batch from before the last one. `message` is Faust's, of a batch that goes through
    an agent.
    """

    __slots__ = ("_done", "epoch", "follows", "message", "records", "tp")

    def __init__(self, tp: TP, records: list[ConsumerRecord], follows: int, epoch: int = 0) -> None:
        self.tp = tp
        self.records = records
        self.follows = follows
        self.epoch = epoch
        self.message: ConsumerMessage | None = None
        self._done = False

    @property
    def first(self) -> int:
        """The offset of the first record."""
        return int(self.records[0].offset)

    @property
    def next(self) -> int:
        """The offset after the last record."""
        return int(self.records[-1].offset) + 1

    @property
    def done(self) -> bool:
        """Whether its offsets may be committed."""
        return self._done if self.message is None else bool(self.message.acked)

    def finish(self) -> None:
        """Note that all that comes of it is safe."""
        self._done = True


def joined(batches: Sequence[Batch]) -> list[Batch]:
    """Batches of one partition, in order, with those that continue each other made one."""
    whole: list[Batch] = []
    for batch in batches:
        if whole and batch.follows == whole[-1].next and batch.epoch == whole[-1].epoch:
            whole[-1] = Batch(batch.tp, [*whole[-1].records, *batch.records], whole[-1].follows, batch.epoch)
        else:
            whole.append(batch)
    return whole
