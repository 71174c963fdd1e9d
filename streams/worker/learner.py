"""The learner runner: one reader of `training.examples`, exactly once.

What was learned, the panel and the offset are one commit, so a restart neither forgets nor repeats a training record.
Records that wait for the border of their step are kept in memory (`models/labels/held.py`), and nothing is committed
past the first of them: whoever comes next reads them again.
Scorers read the panel from the store; `model.snapshots` keeps a checkpoint for a rebuild. A commit writes what has
changed since the last one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec
import orjson
from aiokafka.structs import ConsumerRecord

from models.config import ChurnConfig
from models.labels.examples import Border, TrainingRecord
from models.labels.held import Held
from models.learning.checkpoint import dump
from models.learning.learners import Learners
from models.learning.notices import Notice
from profiles.errors import Misconfigured
from profiles.store import Output, new_nonce
from profiles.times import rfc3339
from profiles.units import LearnerPosition, LearnerState, LearnerStore
from streams.background import in_background
from streams.kafka.outbox import Outbox
from streams.kafka.topics import ALERTS, MODEL_SNAPSHOTS
from streams.metrics import WorkerMetrics
from streams.records.told import MODEL_NEWS
from streams.retry import until_committed
from streams.worker.profiles import Behind

log = logging.getLogger(__name__)

__all__ = ["LearnerRunner"]

_decode = msgspec.msgpack.Decoder(TrainingRecord).decode

_DAMAGED = 10.0  # seconds until what could not be read is read again

_SNAPSHOT_EVERY = 300.0  # seconds; it is a thousand times larger than an example


class LearnerRunner:
    """Handles `training.examples`."""

    def __init__(
        self,
        store: LearnerStore,
        outbox: Outbox,
        config: ChurnConfig,
        metrics: WorkerMetrics,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._config = config
        self._metrics = metrics
        self._now = now
        self._learner: Learners | None = None
        self._parts: Mapping[str, bytes] = {}  # as the store holds them
        self._version = -1  # of the store, that the learner in memory stands for…
        self._nonce = ""  # …and what tells it from others of that number
        self._held = Held()  # what was read since, and waits for its border…
        self._reached = -1  # …and the offset of the latest record that was read
        self._next_snapshot = 0.0  # monotonic
        self._one_at_a_time = asyncio.Lock()
        self._mine = False  # this worker is the learner
        self._shown = False  # the gauges show what was learned

    def assigned(self, *, mine: bool) -> None:
        """Say whether this worker is the learner from now on."""
        self._mine, self._shown = mine, False
        if not mine:
            self._metrics.learns_no_more()
            self._held, self._reached = Held(), -1

    async def continues(self) -> int:
        """The offset at which reading goes on: what is held back in memory need not be read again."""
        at = await self._store.position()
        return 1 + (max(at.applied, self._reached) if self._is_known(at) else at.applied)

    async def tick(self) -> None:
        """Load what was learned, if this worker is the learner and no training record has come yet.

        Its figures are shown. If learning begins anew, that is committed at once, and told.
        """
        if self._mine and not self._shown and not self._one_at_a_time.locked():
            try:
                await self._tick()
            except Misconfigured as error:
                await _wait_for_repair(error)

    @until_committed
    async def _tick(self) -> None:
        await self._outbox.recover(self._store)
        async with self._one_at_a_time:
            learner, version, applied = await self._current()
            if news := learner.news():
                await self._commit(learner, version, applied, 0, news)
            else:
                self._show(learner, learner.panel().champion_name)

    async def handle(self, records: Sequence[ConsumerRecord], follows: int) -> None:
        """Predict, then learn, a batch of training records, and commit.

        While what was learned cannot be read it waits, so that a worker goes on with everything else.

        Raises:
            Behind: the store has not learned what came before this batch.
        """
        while True:
            try:
                return await self._handle(records, follows)
            except Misconfigured as error:
                await _wait_for_repair(error)

    @until_committed
    async def _handle(self, records: Sequence[ConsumerRecord], follows: int) -> None:
        await self._outbox.recover(self._store)
        async with self._one_at_a_time:
            learner, version, applied = await self._current()
            reached = max(applied, self._reached)
            if reached + 1 < follows:
                raise Behind(reached + 1)
            up_to, ready = self._read(records, reached, learner.border)
            if up_to > applied:
                await self._learn(learner, version, up_to, ready)

    def _read(self, records: Sequence[ConsumerRecord], reached: int, border: float) -> tuple[int, list[TrainingRecord]]:
        """The offset up to which nothing waits any more, -1 if that is none of these records'; and what to learn."""
        up_to, ready = -1, []
        for raw in records:
            if raw.offset > reached:
                found = self._held.add(_decode(raw.value), border)
                for record in found:
                    border = record.passed(border) if isinstance(record, Border) else border
                ready += found
                self._reached = raw.offset
                if not self._held:
                    up_to = raw.offset
        return up_to, ready

    async def _learn(self, learner: Learners, version: int, applied: int, records: Sequence[TrainingRecord]) -> None:
        self._learner = None  # until the commit, the learner in memory stands for nothing the store knows
        treated = learner.treated
        learned = learner.take(records) - (learner.treated - treated)  # those are judged only
        await self._commit(learner, version, applied, learned, learner.news())

    async def _commit(
        self, learner: Learners, version: int, applied: int, learned: int, news: Sequence[Notice]
    ) -> None:
        self._learner = None
        panel, parts = learner.panel(), learner.parts()
        as_json = panel.to_json()
        outputs = [_announce(notice) for notice in news] + self._snapshot(as_json, parts, applied)
        changed = {name: part for name, part in parts.items() if self._parts.get(name) != part}
        gone = [name for name in self._parts if name not in parts]
        own_nonce = new_nonce()
        self._version = await self._store.commit(
            version, applied, as_json, changed, gone, outputs, 0, nonce=self._nonce, own_nonce=own_nonce
        )
        self._nonce = own_nonce
        self._learner, self._parts = learner, parts
        self._observe(learner, learned, panel.champion_name, news)
        if outputs:
            await self._outbox.deliver(outputs, version=self._version)
            await self._store.clear_outbox(self._version)

    async def _current(self) -> tuple[Learners, int, int]:
        """The learner as the store holds it, with the store's version and applied offset.

        Raises:
            Misconfigured: what was learned is damaged.
        """
        at = await self._store.position()
        if self._learner is not None and self._is_known(at):
            return self._learner, at.version, at.applied
        self._held, self._reached = Held(), -1  # what was read on top of another state is read again
        state = await self._store.load()
        # River takes seconds to import, and a worker must go on giving signs of life.
        learner = await in_background(_learner, state, self._config, self._now())
        self._learner, self._version, self._nonce, self._parts = learner, state.version, state.nonce, state.parts
        return learner, state.version, state.applied

    def _is_known(self, at: LearnerPosition) -> bool:
        return (at.version, at.nonce) == (self._version, self._nonce)

    def _snapshot(self, panel: bytes, parts: dict[str, bytes], applied: int) -> list[Output]:
        """The checkpoint for `model.snapshots`, once in a while."""
        now = time.monotonic()
        if now < self._next_snapshot:
            return []
        self._next_snapshot = now + _SNAPSHOT_EVERY
        return [Output(MODEL_SNAPSHOTS, b"checkpoint", dump(panel, parts), f"checkpoint:{applied}", 0)]

    def _observe(self, learner: Learners, learned: int, champion: str, news: Sequence[Notice]) -> None:
        for notice in news:
            log.log(logging.INFO if notice.kind == "champion" else logging.WARNING, "%s", notice.text)
        self._metrics.learned(learned, [notice.kind for notice in news])
        self._show(learner, champion)

    def _show(self, learner: Learners, champion: str) -> None:
        if self._mine:  # else another has taken over meanwhile, and shows its own
            self._metrics.models(learner.own.quality(), champion)
            for name, other in learner.others.items():
                self._metrics.models(other.quality(), other.panel().champion_name, name)
            self._shown = True


def _learner(state: LearnerState, config: ChurnConfig, now: float) -> Learners:
    return Learners.from_parts(state.parts, config, now)


async def _wait_for_repair(error: Misconfigured) -> None:
    log.error(
        "what was learned cannot be read: %s. The learner waits; customers are scored by the models it shipped last. "
        "Restore Redis from a backup, or stop the workers and `rapport rebuild --replace`",
        error,
    )
    await asyncio.sleep(_DAMAGED)


def _announce(notice: Notice) -> Output:
    """News of the models for `alerts`; `notice` stands where a customer's message has `alert`."""
    at = rfc3339(notice.at)
    body = {"id": notice.id, "at": at, "notice": {**msgspec.structs.asdict(notice), "at": at}}
    return Output(ALERTS, MODEL_NEWS, orjson.dumps(body), notice.id, 0)
