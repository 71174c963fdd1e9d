"""The records of a log, which need not be in memory: gone through again and again, from the first to the last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from profiles.types import Event, Merge

__all__ = ["Ahead", "Repeatable", "mentioned"]


class Repeatable:
    """Records that are worked out anew each time somebody goes through them.

    Args:
        make: gives them from the first on; the same ones each time.
    """

    def __init__(self, make: Callable[[], Iterator[Event | Merge]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[Event | Merge]:
        return self._make()


class Ahead:
    """Records taken from time to time.

    Args:
        records: ascending by time.
    """

    def __init__(self, records: Iterable[Event | Merge]) -> None:
        self._left = iter(records)
        self._next = next(self._left, None)
        self.taken = 0

    def upto(self, time: float) -> Iterator[Event | Merge]:
        """Those up to a time that have not been taken."""
        while self._next is not None and self._next.time <= time:
            self.taken += 1
            yield self._next
            self._next = next(self._left, None)


def mentioned(records: Iterable[Event | Merge]) -> list[str]:
    """Every profile of a log, in the order in which something happens to it; last the winners that nothing did."""
    names: dict[str, None] = {}
    winners: dict[str, None] = {}
    for record in records:
        names[record.profile] = None
        if isinstance(record, Merge):
            winners[record.winner] = None
    return [*names, *(name for name in winners if name not in names)]
