"""Audiences of a sink against the store: who should be taken for a member and is not, who is and should not be.

What was told is in the ledger, who belongs where in the store. Both are read in pages, and each customer is judged by
the two as they are at one moment; what differs is told under an id that follows from both, the same however often it is
found, so that a run that was broken off is simply done again. What `segment.changes` says later of a move that was told
so is nothing new by then, and is not told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from models.durations import DAY
from plan import Plan
from plan.sinks.sink import Sink
from profiles.errors import Misconfigured
from profiles.store import Reader
from profiles.types import Profile
from streams.records.deliveries import Entry
from streams.sinks.deciding.customer_name import ids_of
from streams.sinks.deciding.ledger import ENTERED, EXITED, Ledger
from streams.sinks.deciding.routing import may_be_member
from streams.sinks.kinds.kind import Kind
from streams.sinks.whole import Whole

__all__ = ["RECONCILED", "Comparison", "Page", "due_in"]

RECONCILED = "reconciled"
"""The reason of moves that were found so."""

_PAGE = 1000  # customers


class Page(NamedTuple):
    """What one look has found."""

    moves: Sequence[Entry] = ()
    members: int = 0
    unnamed: int = 0


def due_in(ledger: Ledger, spec: Sink, now: float) -> float:
    """Seconds until what a sink was told is to be compared; 0 for at once.

    Args:
        ledger: of the sink.
        spec: what the plan says of it.
        now: seconds since the epoch.
    """
    if ledger.asked is not None:
        return 0.0
    last = ledger.reconciled.began if ledger.reconciled is not None else None
    if last is None:
        if tells_everybody(spec):
            return 0.0
        last = ledger.began
    return max(last + DAY - now, 0.0)


def tells_everybody(spec: Sink) -> bool:
    """Whether a sink is told of those, too, who were members before it began."""
    return getattr(spec, "sync", "changes") == "all"


class Comparison:
    """Compares one sink with the store.

    Args:
        ledger: of the sink.
        spec: what the plan says of it.
        kind: of the sink.
        plan: says of whom others may be told.
        reader: of the store.
        whole: says whether that is whole.
        everybody: count those, too, who were members before the sink began.
    """

    def __init__(
        self,
        ledger: Ledger,
        spec: Sink,
        kind: type[Kind[Any]],
        plan: Plan,
        reader: Reader,
        whole: Whole,
        *,
        everybody: bool,
    ) -> None:
        self._ledger = ledger
        self._spec = spec
        self._kind = kind
        self._plan = plan
        self._reader = reader
        self._whole = whole
        self._everybody = everybody
        self._thin = getattr(spec, "payload", "full") == "thin"

    async def pages(self, now: float) -> AsyncIterator[Page]:
        """Look at all members by the store, then at those by the ledger of whom that said nothing.

        Whoever takes a page has to take its moves in before the next is asked for.

        Args:
            now: seconds since the epoch.

        Raises:
            Misconfigured: the ledger does not know all that was told, or the store is not whole.
        """
        if self._ledger.forgot:
            raise Misconfigured(
                f"sink {self._ledger.sink} was told of more members than are remembered, so what it knows cannot be "
                "compared: give it fewer `segments`"
            )
        for segment in await self._segments():
            seen: set[str] = set()
            cursor: str | None = None
            while True:
                rows, cursor = await self._reader.members(segment, limit=_PAGE, cursor=cursor)
                ids = [id_ for id_, _ in rows if id_ not in seen]
                seen.update(ids)
                yield await self._look(segment, ids, now)
                if cursor is None:
                    break
            told = [id_ for name, id_ in self._ledger.members if name == segment and id_ not in seen]
            for start in range(0, len(told), _PAGE):
                yield await self._look(segment, told[start : start + _PAGE], now)

    async def _segments(self) -> Iterable[str]:
        if self._spec.segments is not None:
            return self._spec.segments
        told = {segment for segment, _ in self._ledger.members}
        return sorted(told | (await self._reader.segment_sizes()).keys())

    async def _look(self, segment: str, ids: Sequence[str], now: float) -> Page:
        if not ids:
            return Page()
        before = {id_: self._ledger.believes(segment, id_) for id_ in ids}
        profiles = await self._reader.profiles(ids)
        await self._whole()  # when it was read, so when it is compared
        moves: list[Entry] = []
        members = unnamed = 0
        for id_ in ids:
            profile = self._belongs(segment, id_, profiles)
            members += profile is not None
            believed = self._ledger.believes(segment, id_)
            if believed is not before[id_]:
                continue  # something was told of them meanwhile
            if profile is None:
                if believed:
                    moves.append(self._move(segment, id_, EXITED, now))
                continue
            names = self._names(profile)
            if not names:
                unnamed += 1
            elif self._is_missing(segment, profile, believed, names):
                since = profile.segments[segment].since
                moves.append(self._move(segment, id_, ENTERED, since, names))
        return Page(moves, members, unnamed)

    def _belongs(self, segment: str, id_: str, profiles: Mapping[str, Profile]) -> Profile | None:
        """The customer, if they are to be taken for a member."""
        profile = profiles.get(id_)
        if profile is None or profile.id != id_ or segment not in profile.segments:
            return None
        return profile if may_be_member(profile, self._plan) else None

    def _names(self, profile: Profile) -> int:
        return self._kind.names(self._spec, None if self._thin else ids_of(profile, self._plan))

    def _is_missing(self, segment: str, profile: Profile, believed: bool | None, names: int) -> bool:
        since, began = profile.segments[segment].since, self._ledger.began
        if believed:
            held = self._ledger.members.get((segment, profile.id))
            return held is not None and held.inside and held.names < names  # known by a name that was not told
        return believed is False or since >= began or self._everybody

    def _move(self, segment: str, profile: str, type_: str, at: float, names: int = 0) -> Entry:
        last = self._ledger.members.get((segment, profile))
        known = last.id if last is not None else ""
        basis = repr(at) if type_ == ENTERED else ""
        told = "\n".join([segment, profile, type_, basis, known, str(names)])
        id_ = f"{profile}:{segment}:{type_.removeprefix('segment.')}:{sha256(told.encode()).hexdigest()[:24]}"
        return Entry(id_, type_, at, profile, segment, told={"reason": RECONCILED})
