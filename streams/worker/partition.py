"""One partition of the profiles, as its one writer holds it: what it has written, and what of that is delivered."""

from __future__ import annotations

import asyncio

from profiles.documents import encode_profile
from profiles.errors import Fenced
from profiles.store import Changes, Loaded, Store
from streams.kafka.outbox import Marker, Outbox
from streams.retry import retrying
from streams.steps.work import Work
from streams.worker.delivery import Committed, Delivery

__all__ = ["PartitionWriter"]


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
        "_cleared", "_count", "_delivery", "_nonce", "_outbox", "_produced", "_store", "_version", "lock", "number",
        "ready",
    )  # fmt: skip

    def __init__(self, number: int, count: int, store: Store, outbox: Outbox, delivery: Delivery) -> None:
        self.number = number
        self.lock = asyncio.Lock()
        self.ready = False  # the outbox of whoever wrote before has been delivered
        self._count = count
        self._store = store
        self._outbox = outbox
        self._delivery = delivery
        self._produced = 0  # outbox entries up to this version have been produced
        self._cleared = 0  # …and these are gone from there
        self._version = 0  # of the latest commit, here or before…
        self._nonce = ""  # …and what tells it from others of that number

    def assigned(self) -> None:
        """Begin by delivering what the last writer left, whoever that was."""
        self.ready = False

    @retrying
    async def recover(self) -> None:
        """Deliver what the last writer has committed and perhaps not produced."""
        await self._delivery.finish()
        held = await self._store.load(self.number, ())
        entries = await self._store.outbox(self.number)
        if entries:
            outputs = [output for _, part in entries for output in part]
            await self._outbox.deliver(outputs, Marker.of(held), self._documents_now)
            await self._store.clear_outbox(self.number, entries[-1][0])
        self._version = self._produced = held.version
        self._nonce = held.nonce
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
        return Work(self.number, loaded, self._count)

    def changes(self, work: Work, applied: int | None) -> Changes:
        """What a round changed here, as one commit.

        Args:
            work: opened here, and taken through the steps.
            applied: offset of the last record that is in it; None for timers.
        """
        return work.changes(applied, self._produced)

    def committed(self, work: Work, changes: Changes, version: int) -> Committed | None:
        """Note that the store has it; what there is to deliver, if anything."""
        self._version, self._nonce = version, changes.own_nonce
        if not changes.outputs:
            return None
        at = work.loaded.applied if changes.applied is None else changes.applied
        marker = Marker(version, at, work.watermark, changes.origins, changes.ahead, changes.arrival_rates)
        return Committed(changes, marker, self._note_produced)

    async def clear(self) -> None:
        """Take what is delivered out of the outbox without waiting for the next commit to do so."""
        produced = self._produced
        if produced != self._cleared:
            await self._store.clear_outbox(self.number, produced)
            self._cleared = produced

    def _note_produced(self, version: int) -> None:
        self._produced = version

    async def _documents_now(self, ids: list[str]) -> dict[str, bytes]:
        found = await self._store.fetch(self.number, ids)
        return {id_: encode_profile(profile) for id_, profile in found.items()}
