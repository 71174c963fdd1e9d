"""The learner runner: one reader of `training.examples`, exactly once.

Checkpoint, panel and offset are one commit, so a restart neither forgets nor repeats an example. Scorers read the
panel from the store; `model.snapshots` keeps the last checkpoint for a rebuild.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from aiokafka.structs import ConsumerRecord

from models.config import ChurnConfig
from models.examples import Example
from profiles.store import Output
from profiles.stores.learner import LearnerState, LearnerStore
from streams.metrics import WorkerMetrics
from streams.outbox import Outbox
from streams.patience import until_committed
from streams.profile import Behind
from streams.topics import MODEL_SNAPSHOTS

if TYPE_CHECKING:
    from models.learner import Learner

__all__ = ["LearnerRunner"]

_decode = msgspec.msgpack.Decoder(Example).decode

_SNAPSHOT_EVERY = 60.0  # seconds


class LearnerRunner:
    """Handles `training.examples`."""

    def __init__(self, store: LearnerStore, outbox: Outbox, config: ChurnConfig, metrics: WorkerMetrics) -> None:
        self._store = store
        self._outbox = outbox
        self._config = config
        self._metrics = metrics
        self._learner: Learner | None = None
        self._version = -1  # of the store, that the learner in memory stands for
        self._next_snapshot = 0.0  # monotonic

    @until_committed
    async def handle(self, records: Sequence[ConsumerRecord], follows: int) -> None:
        """Predict, then learn, a batch of examples, and commit.

        Raises:
            Behind: the store has not learned what came before this batch.
        """
        await self._outbox.recover(self._store)
        state = await self._store.load()
        if state.applied + 1 < follows:
            raise Behind(state.applied + 1)
        learner = self._learner if state.version == self._version else None
        learner = learner or _learner(state, self._config)
        examples = [_decode(record.value) for record in records if record.offset > state.applied]
        if not examples:
            return
        self._learner = None  # until the commit, the learner in memory stands for nothing the store knows
        learned = learner.learn(examples)
        checkpoint = learner.checkpoint()
        after = LearnerState(state.version, records[-1].offset, checkpoint, learner.panel().to_json())
        outputs = self._snapshot(checkpoint, after.applied)
        self._version = await self._store.commit(after, outputs, 0)
        self._learner = learner
        self._metrics.learned(learned, learner.quality())
        if outputs:
            await self._outbox.deliver(outputs, version=self._version)
            await self._store.clear_outbox(self._version)

    def _snapshot(self, checkpoint: bytes, applied: int) -> list[Output]:
        """The checkpoint for `model.snapshots`, at most once a minute: it is a hundred times larger than an example."""
        now = time.monotonic()
        if now < self._next_snapshot:
            return []
        self._next_snapshot = now + _SNAPSHOT_EVERY
        return [Output(MODEL_SNAPSHOTS, b"checkpoint", checkpoint, f"checkpoint:{applied}", 0)]


def _learner(state: LearnerState, config: ChurnConfig) -> Learner:
    from models.learner import Learner  # noqa: PLC0415  (River takes seconds to import, and only one worker learns)

    return Learner.restore(state.checkpoint, config) if state.checkpoint is not None else Learner(config)
