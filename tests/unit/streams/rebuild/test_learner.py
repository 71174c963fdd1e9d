"""What a rebuild takes from `model.snapshots`."""

from __future__ import annotations

import pytest

from models.learning.checkpoint import FORMAT, dump
from profiles.errors import Misconfigured
from streams.rebuild.learner import learner_of

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
