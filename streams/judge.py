"""What becomes of raw records under a plan: the steps of ingest, but for those that only the store can answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from aiokafka.structs import ConsumerRecord

from plan import Plan
from profiles.types import Identity
from streams.pipeline import ingest_pipeline
from streams.steps.identify import NOBODY
from streams.steps.intake import Intake

__all__ = ["Judge", "Verdict"]


class Verdict(NamedTuple):
    """What a plan says of an event."""

    name: str  # of the event, or its type; "" if it cannot be read
    reason: str = ""  # why it is rejected; "" if it is not
    message: str = ""
    flagged: bool = False
    key: bytes | None = None  # of its record on a source's topic: the sender's strongest identity


class _Unlinked:
    """A store in which nobody is linked and nobody was erased."""

    async def met(
        self, identities: Sequence[Identity], stated: Sequence[Identity]
    ) -> tuple[dict[Identity, str], set[Identity]]:
        return {}, set()


class Judge:
    """Takes records through the steps of ingest, without effect on anybody.

    Args:
        plan: what is accepted, and what it means.
        now: no event can be later; seconds.
    """

    def __init__(self, plan: Plan, now: float) -> None:
        self._now = now
        self._pipeline = ingest_pipeline(plan, _Unlinked(), NOBODY)

    async def intake(self, source: str, records: list[ConsumerRecord]) -> Intake:
        """What becomes of records of a source: those that are accepted as neutral events, and the rejections."""
        batch = Intake(source, records, self._now)
        await self._pipeline.run(batch)
        return batch

    async def verdict(self, source: str, record: ConsumerRecord) -> Verdict:
        """What becomes of one record."""
        batch = Intake(source, [record], self._now)
        [item] = batch.items
        await self._pipeline.run(batch)
        if batch.rejected:
            name = item.name or (item.raw["type"] if hasattr(item, "raw") else "")
            return Verdict(name, batch.rejected[0].reason, batch.rejected[0].message)
        event = item.event
        assert event is not None
        return Verdict(item.name or event.type, flagged=bool(event.violations), key=event.identities[0][1].encode())
