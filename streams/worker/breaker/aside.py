"""Senders put aside: of so many of their events rejected that only the first of an hour are kept with their bytes.

Anybody with a public write key could otherwise fill `events.rejected` in the name of a source, and whoever looks there
for what went wrong would find nothing else. What is accepted of such a sender goes on as anybody's; and of what is
rejected beyond the limit nothing is dropped silently: position and reason are kept in rows of their own, a few bytes
each, and the topic that it was on has the bytes for as long as it has others'.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence

import msgspec
from aiokafka.structs import ConsumerRecord

from plan import Plan
from profiles.units import Aside, SourceStore
from streams.metrics import WorkerMetrics
from streams.quota import PERIOD, Quota
from streams.records.rejected import IGNORE, Rejection
from streams.records.sender import sender_of
from streams.retry import retrying

__all__ = ["PutAside"]

log = logging.getLogger(__name__)

_TOLD = 20  # senders of one source that are told of
_TELL_AGAIN = 5.0  # seconds between two tellings…
_SAY_AGAIN = 60.0  # …and between two lines in the log


class PutAside:
    """Keeps the limit of each sender, as one worker counts.

    Args:
        plan: has the limit, and the key of hashes.
        store: where people look who is put aside.
        metrics: count what is not kept.
        worker: name of this worker.
    """

    def __init__(self, plan: Plan, store: SourceStore, metrics: WorkerMetrics, worker: str) -> None:
        self._limit = plan.kept
        self._key = plan.pii_key
        self._store = store
        self._metrics = metrics
        self._worker = worker
        self._quotas = {source.name: Quota(self._limit) for source in plan.sources.values() if source.public}
        self._ignored = {source: Quota(self._limit) for source in self._quotas}  # a crawler is no sender gone wrong
        self._told: list[Aside] = []
        self._told_at = self._said_at = -math.inf
        self._said: set[tuple[str, str]] = set()

    def sift(self, rejected: Sequence[Rejection], records: Iterable[ConsumerRecord], now: float) -> list[Rejection]:
        """What is kept of the rejections of a batch: those beyond their senders' limits together, without bytes.

        Whoever has a key that is not public, or loads or replays, is none of those: everything is kept.
        """
        if not rejected:
            return []
        by_place = {(record.partition, record.offset): record for record in records}
        kept: list[Rejection] = []
        beyond: dict[tuple[str, int | None, str, str], Rejection] = {}
        for rejection in rejected:
            record = by_place.get((rejection.partition or 0, rejection.offset or 0))
            ours = rejection.source not in self._quotas or rejection.load or rejection.position
            if record is None or ours:
                kept.append(rejection)
                continue
            rejection.sender = sender_of(record, self._key)
            quotas = self._ignored if rejection.step == IGNORE else self._quotas
            if quotas[rejection.source].take(rejection.sender, rejection.reason, now):
                kept.append(rejection)
                continue
            if quotas is self._quotas:
                self._metrics.put_aside(rejection.source)
            place = (rejection.sender, rejection.partition, rejection.reason, rejection.event)
            if (first := beyond.get(place)) is None:
                beyond[place] = msgspec.structs.replace(rejection, payload=b"", truncated=True, aside=True, also=[])
            else:
                assert rejection.offset is not None
                first.also.append(rejection.offset)
        return kept + list(beyond.values())

    async def report(self, now: float) -> None:
        """Tell people who is put aside, if that is news; seconds."""
        if now - self._told_at < _TELL_AGAIN:
            return
        asides = self._asides(now)
        if asides != self._told:
            await retrying(self._store.put_aside)(self._worker, asides, now)
            self._told, self._told_at = asides, now
        self._say(asides, now)

    def _asides(self, now: float) -> list[Aside]:
        return [
            Aside(
                source=source,
                sender=sender,
                since=tally.since,
                until=tally.since + PERIOD,
                rejected=tally.rejected,
                kept=tally.kept,
                reason=tally.latest,
            )
            for source, quota in self._quotas.items()
            for sender, tally in quota.over(now, _TOLD)
        ]

    def _say(self, asides: Sequence[Aside], now: float) -> None:
        """A line in the log when there are others than before, a minute apart however many there are."""
        new = {(aside.source, aside.sender) for aside in asides} - self._said
        if not new or now - self._said_at < _SAY_AGAIN:
            return
        self._said, self._said_at = {(aside.source, aside.sender) for aside in asides}, now
        for source in sorted({source for source, _ in new}):
            count = sum(1 for one, _ in new if one == source)
            log.warning(
                "source %s: %d senders are put aside, with over %d rejected events each; of more only positions are "
                "kept: `rapport source list`",
                source,
                count,
                self._limit,
            )
