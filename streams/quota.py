"""How many rejected events of each sender are kept whole in an hour. Pure; bounded, however many senders there are."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["PERIOD", "Quota", "Tally"]

PERIOD = 3600.0
"""Seconds, from a sender's first."""

_MOST = 10_000  # senders that are remembered, those that came last; 3 MB


class Tally:
    """What came of one sender."""

    __slots__ = ("kept", "latest", "rejected", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.rejected = self.kept = 0
        self.latest = ""  # reason


class Quota:
    """Counts the rejected events of each sender.

    Args:
        limit: of them that are kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tallies: OrderedDict[str, Tally] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tallies)

    def take(self, sender: str, reason: str, now: float) -> bool:
        """Count an event; whether it is to be kept."""
        tally = self._tallies.get(sender)
        if tally is None or now - tally.since >= PERIOD:
            tally = self._tallies[sender] = Tally(now)
            if len(self._tallies) > _MOST:
                self._tallies.popitem(last=False)
        self._tallies.move_to_end(sender)
        tally.rejected += 1
        tally.latest = reason
        if tally.kept >= self._limit:
            return False
        tally.kept += 1
        return True

    def over(self, now: float, most: int) -> list[tuple[str, Tally]]:
        """The senders of whom not all was kept, those with the most first; at most so many."""
        over = [
            (sender, tally)
            for sender, tally in self._tallies.items()
            if tally.rejected > tally.kept and now - tally.since < PERIOD
        ]
        return sorted(over, key=lambda one: -one[1].rejected)[:most]
