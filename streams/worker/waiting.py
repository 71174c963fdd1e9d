"""Events at the gate: read, in the order of their partitions, until the clock lets them in.

Live, nothing waits here but what is of a flood (`flow.py`). While history is loaded or an outage is made up for, an
event of a later time than the gate waits, and with it all that follows in its partition; so no partition runs ahead of
others, however fast each is read.
"""

from __future__ import annotations

import sys
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from faust.types import TP

from profiles.clock import Head
from streams.kafka.transport.batch import Batch
from streams.records.rejected import Rejection
from streams.steps.intake import Intake, Item

__all__ = ["FULL", "Entry", "WaitingRoom"]

FULL = 500
"""Events of one partition that are kept here; then it is read no further. A worker may have 64 of them, and what waits
takes 1.5 KB."""


class Entry:
    """A batch whose events are let in one after the other."""

    __slots__ = ("_passed", "at", "batch", "items", "rejected")

    def __init__(self, batch: Batch, intake: Intake) -> None:
        self.batch = batch
        self.items: deque[Item] = deque(intake.items)
        self.rejected: deque[Rejection] = deque(intake.rejected)
        self.at = batch.first  # all before this offset was let in…
        self._passed = 0  # …which are so many records

    def let_in(self, gate: float, into: Intake, most: int) -> int:
        """Move what comes before the first event that is later than the gate, at most so many events; by how many
        offsets that is."""
        items, before = self.items, self.at
        while items and most and items[0].time <= gate:
            into.items.append(items.popleft())
            most -= 1
        self.at = int(items[0].record.offset) if items else self.batch.next
        records, end = self.batch.records, self._passed
        while end < len(records) and records[end].offset < self.at:
            end += 1
        into.records += records[self._passed : end]
        self._passed = end
        while self.rejected and (self.rejected[0].offset or 0) < self.at:
            into.rejected.append(self.rejected.popleft())
        return self.at - before


class WaitingRoom:
    """What waits, by partition of the source topics."""

    def __init__(self) -> None:
        self._entries: defaultdict[TP, deque[Entry]] = defaultdict(deque)
        self._sizes: defaultdict[TP, int] = defaultdict(int)

    def put(self, batch: Batch, intake: Intake) -> None:
        """Take a batch, of whose events `intake` knows the times."""
        self._entries[batch.tp].append(Entry(batch, intake))
        self._sizes[batch.tp] += batch.next - batch.first

    def size(self, tp: TP) -> int:
        """How many records of a partition wait."""
        return self._sizes[tp]

    def partitions(self) -> list[TP]:
        """Those of which something waits, those of which the least does first."""
        return sorted((tp for tp, entries in self._entries.items() if entries), key=self.size)

    def let_in(self, tp: TP, gate: float, into: Intake, most: int = sys.maxsize) -> Iterator[Batch]:
        """Move what comes before the first event that is later than the gate, at most so many events, to `into`; the
        batches that this ends."""
        entries, before = self._entries[tp], len(into.items)
        while entries:
            self._sizes[tp] -= entries[0].let_in(gate, into, most - (len(into.items) - before))
            if entries[0].items:
                return
            yield entries.popleft().batch

    def head(self, tp: TP) -> Item | None:
        """The event that waits next in a partition."""
        entries = self._entries[tp]
        return entries[0].items[0] if entries and entries[0].items else None

    def drop(self, tps: Iterable[TP]) -> list[Batch]:
        """Forget what waits in partitions; answer it, in order."""
        dropped: list[Batch] = []
        for tp in tps:
            dropped += [entry.batch for entry in self._entries.pop(tp, ())]
            self._sizes.pop(tp, None)
        return dropped

    def keep(self, is_current: Callable[[Batch], bool]) -> None:
        """Forget what was read before a rebalance or a rewind."""
        for tp, entries in self._entries.items():
            if entries and not is_current(entries[0].batch):
                self._entries[tp] = kept = deque(entry for entry in entries if is_current(entry.batch))
                self._sizes[tp] = sum(entry.batch.next - entry.at for entry in kept)

    def heads(self, done: Mapping[TP, int], paused: Collection[TP]) -> dict[str, Head]:
        """What is reported of each partition.

        Args:
            done: up to where all is done.
            paused: those that a circuit breaker holds back.
        """
        heads = {}
        for tp in {*done, *self.partitions(), *paused}:
            item = self.head(tp)
            if item is not None:
                record = item.record
                heads[f"{tp.topic}/{tp.partition}"] = Head(
                    int(record.offset), item.time, record.timestamp / 1000, tp in paused
                )
            elif tp in done:
                heads[f"{tp.topic}/{tp.partition}"] = Head(done[tp], paused=tp in paused)
        return heads
