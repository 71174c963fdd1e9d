"""What a rebuild takes from `model.snapshots`, and of `training.examples` beside labels."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from models.labels.examples import Border, Example, GrownModel, ModelCommand, Of
from models.learning.checkpoint import FORMAT, dump
from profiles.errors import Misconfigured
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.kafka.topics import TRAINING_EXAMPLES
from streams.rebuild.learner import learner_of, read_decisions

CHECKPOINT = dump(b"{}", {"head": b"{}"})


def test_a_checkpoint_of_another_format_does_not_keep_the_customers_from_coming_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = CHECKPOINT.replace(b'"format":%d' % FORMAT, b'"format":%d' % (FORMAT - 1))
    assert before != CHECKPOINT

    assert learner_of(CHECKPOINT, 1, 7) is not None
    assert learner_of(before, 1, 7) is None
    assert "starts anew" in caplog.text


def test_a_damaged_checkpoint_is_told() -> None:
    with pytest.raises(Misconfigured):
        learner_of(CHECKPOINT[:-1], 1, 7)


def test_decisions_and_nightly_models_are_taken_once_each_and_no_label_is() -> None:
    kept = [ModelCommand("1", "release", "", 5.0), GrownModel("n", "survival", 6.0, b"{}"),
            Of("disuse", GrownModel("n", "survival", 6.0, b"{}"))]  # fmt: skip
    label = Example("p", 1.0, 2.0, "s", b"", True)
    log = MemoryLog({TRAINING_EXAMPLES: 1})

    async def found() -> list[object]:
        encode = msgspec.msgpack.Encoder().encode
        records = [*kept, label, Of("disuse", label), Border(3.0), *kept]
        await log.produce(Row(TRAINING_EXAMPLES, 0, b"", encode(record)) for record in records)
        [extent] = await log.extents(TRAINING_EXAMPLES)
        return list(await read_decisions(log, extent))

    assert asyncio.run(found()) == kept
