"""One partition of the profiles, as its one writer holds it: what it has written, and what of that is delivered.

A store may come back older than what others were told (`told.py`). Until all that it lost has been applied again, its
profiles are only changed, and looked at by nobody: what held in between has been told, and must not be told again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from profiles.documents import encode_profile
from profiles.errors import Fenced
from profiles.store import Changes, Loaded, Store
from profiles.types import is_away
from streams.kafka.outbox import Marker, Outbox
from streams.kafka.topics import TOLD
from streams.records.told import ToldOf
from streams.retry import retrying
from streams.steps.work import Work
from streams.worker.delivery import Committed, Delivery
from streams.worker.told import Told

__all__ = ["PartitionWriter"]

log = logging.getLogger(__name__)

_AT_ONCE = 2000  # profiles


class PartitionWriter:
    """What a worker knows of one partition that it writes.

    Only one coroutine at a time may use it: it holds `lock`.

    Args:
        number: of the partition.
        count: how many partitions there are.
        store: of the profiles.
        outbox: delivers what the writer before has left.
        delivery: of what is committed here.
    """

    __slots__ = (
        "_again", "_applied", "_away", "_cleared", "_count", "_delivery", "_heard", "_known", "_lost", "_nonce",
        "_outbox", "_produced", "_store", "_told", "_until", "_version", "lock", "looked_up_to", "number", "ready",
    )  # fmt: skip

    def __init__(self, number: int, count: int, store: Store, outbox: Outbox, delivery: Delivery) -> None:
        self.number = number
        self.lock = asyncio.Lock()
        self.ready = False  # the outbox of whoever wrote before has been delivered
        self.looked_up_to = 0.0  # the latest time as of which others were told what the store has lost
        self._count = count
        self._store = store
        self._outbox = outbox
        self._delivery = delivery
        self._produced = 0  # outbox entries up to this version have been produced
        self._cleared = 0  # …and these are gone from there
        self._version = 0  # of the latest commit, here or before…
        self._nonce = ""  # …and what tells it from others of that number
        self._applied = -1  # with that
        self._heard = 0  # the highest version of a commit that told anything since
        self._until = 0  # offset in `profile.events` before which all that the store has lost is
        self._lost: dict[str, ToldOf] = {}  # what others were told of profiles, and the store does not know
        self._away: dict[str, ToldOf] = {}  # what they were told of those who are merged away, as of now
        self._told: dict[str, int] = {}  # by topic, up to where what is there is known…
        self._known: dict[str, int] = {}  # …and the same as the store has it
        self._again: frozenset[str] = frozenset()  # ids of what was delivered for the last writer, who may do so, too

    @property
    def catches_up(self) -> bool:
        """Whether something that the store has lost has not been applied again yet."""
        return self._applied + 1 < self._until

    @property
    def lost(self) -> list[str]:
        """The profiles of which others were told what the store does not know, though all is applied again."""
        return [] if self.catches_up else list(self._lost)

    @property
    def told_up_to(self) -> dict[str, int]:
        """By topic, up to where what others were told of this partition is known."""
        return dict(self._told)

    @property
    def delivered_again(self) -> frozenset[str]:
        """Ids of what the last writer may still tell once more."""
        return self._again

    def assigned(self) -> None:
        """Begin by delivering what the last writer left, whoever that was."""
        self.ready = False

    @retrying
    async def recover(self) -> dict[str, int] | None:
        """Deliver what the last writer has committed and perhaps not produced.

        Returns:
            From where `compare` wants to know what others were told; None: from the present ends.
        """
        await self._delivery.finish()
        held = await self._store.load(self.number, ())
        entries = await self._store.outbox(self.number)
        if (held.version, held.nonce) != (self._version, self._nonce):
            self._again = frozenset()  # what followed from these commits may be lost
        if entries:
            outputs = [output for _, part in entries for output in part]
            await self._outbox.deliver(outputs, Marker.of(held), self._documents_now, version=held.version)
            await self._store.clear_outbox(self.number, entries[-1][0])
            self._again |= {output.id for output in outputs if output.topic in TOLD}
        self._version = self._produced = held.version
        self._nonce, self._applied = held.nonce, held.applied
        told = await self._store.told(self.number)
        self._known = told or {}
        self._lost, self._away, self._heard, self.looked_up_to = {}, {}, 0, 0.0
        return told if told is not None or held.version else dict.fromkeys(TOLD, 0)

    @retrying
    async def compare(self, told: Told) -> None:
        """See what others were told of profiles, and the store does not know.

        A history's clock is set back with the store, and comes to the same times again. They have been looked at: who
        is due before what was told last waits until then (`looked_up_to`). Who is merged away may have lived again in
        what is lost: a segment that they were told to be in says so, since who is merged leaves all.

        Args:
            told: the next part of it, after `recover`.
        """
        ids = list(told.of)
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            found = await self._store.fetch(self.number, some)
            for id_ in some:
                before = self._lost.pop(id_, None) or self._away.pop(id_, None)
                of = before.followed_by(told.of[id_]) if before is not None else told.of[id_]
                held = found.get(id_)
                if held is not None and is_away(held):
                    self._away[id_] = of
                elif of.differs(held):
                    self._lost[id_] = of
        self._heard = max(self._heard, told.version)
        self.looked_up_to = max(self.looked_up_to, told.at)
        self._told = dict(told.ends)
        if told.more:
            return
        set_back = bool(self._lost) or self._heard > self._version or any(of.inside for of in self._away.values())
        self._until = told.events if set_back else 0
        if not set_back:
            self.looked_up_to = 0.0
        else:
            self._lost |= self._away
            log.warning(
                "partition %d: the store does not know what others were told of %d customers; that is mended as events "
                "are applied again up to offset %d",
                self.number, len(self._lost), told.events,
            )  # fmt: skip
        self.ready = True

    def open(self, loaded: Loaded) -> Work:
        """Begin to work on what was loaded.

        Raises:
            Fenced: somebody else has written meanwhile, whose outputs have to be delivered before ours; or the store
                was set back.
        """
        if (loaded.version, loaded.nonce) != (self._version, self._nonce):
            # What we send would overtake what they sent, which would then be taken for a repeat. Or the store was set
            # back, and counts its versions again from there: what was produced under later ones says nothing.
            raise Fenced(f"partition {self.number} was written by somebody else, or set back, since {self._version}")
        work = Work(self.number, loaded, self._count)
        if self._lost and self.catches_up:
            work.expect(self._lost)
        elif self._lost:
            work.adopt(self._lost)
        return work

    def changes(self, work: Work, applied: int | None) -> Changes:
        """What a round changed here, as one commit.

        Args:
            work: opened here, and taken through the steps.
            applied: offset of the last record that is in it; None for timers.
        """
        changes = work.changes(applied, self._produced)
        left = len(self._lost) - len(work.adopted)
        is_past = not work.gate or work.gate >= self.looked_up_to  # else whoever comes next has to know of it, too
        if self._told != self._known and not left and not self.catches_up and is_past:
            changes.told = dict(self._told)
        return changes

    def committed(self, work: Work, changes: Changes, version: int) -> Committed | None:
        """Note that the store has it; what there is to deliver, if anything."""
        self._version, self._nonce = version, changes.own_nonce
        if changes.applied is not None:
            self._applied = changes.applied
        self._known = dict(changes.told) or self._known
        for id_ in work.adopted:
            told = self._lost.pop(id_, None)
            if told is not None and id_ in work.gone:  # who lives again has them; they left all segments
                self._lost[id_] = ToldOf({}, told.alerts, told.cases)
        if not changes.outputs:
            return None
        at = work.loaded.applied if changes.applied is None else changes.applied
        marker = Marker(version, at, work.watermark, changes.origins, changes.ahead, changes.arrival_rates)
        return Committed(self.number, changes, marker, self._note_produced)

    async def clear(self) -> None:
        """Take what is delivered out of the outbox without waiting for the next commit to do so."""
        produced = self._produced
        if produced != self._cleared:
            await self._store.clear_outbox(self.number, produced)
            self._cleared = produced

    def _note_produced(self, version: int, told: Mapping[str, tuple[int, int]]) -> None:
        self._produced = version
        for topic, (first, end) in told.items():
            if first > self._told.get(topic, first):
                self.ready = False  # there is something before it that somebody else has told
            else:
                self._told[topic] = end

    async def _documents_now(self, ids: list[str]) -> dict[str, bytes]:
        found = await self._store.fetch(self.number, ids)
        return {id_: encode_profile(profile) for id_, profile in found.items()}
