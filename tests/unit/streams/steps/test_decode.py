"""Decoding: what is no event is rejected, whatever it is, and no event comes from the future."""

from __future__ import annotations

import pytest

from streams.steps.decode import decode
from streams.steps.intake import Intake
from tests.build import record

NOW = 1_790_000_000.0


@pytest.mark.parametrize("levels", [33, 900, 100_000])
def test_what_is_nested_too_deeply_is_rejected(levels: int) -> None:
    """However deep: it is kept as rejected and stops nothing."""
    nested = b'{"type":"track","event":"e","userId":"u","properties":' + b"[" * levels + b"]" * levels + b"}"
    intake = Intake("web", [record(0, nested[: 60 * 1024]), record(1, b'{"type":"track","event":"e"}')], NOW)

    decode()(intake)

    assert [rejection.reason in ("nested_too_deeply", "invalid_json") for rejection in intake.rejected] == [True]
    assert [item.record.offset for item in intake.items] == [1]


def test_nothing_happens_in_the_future() -> None:
    """A producer whose clock is wrong cannot make a customer active for ever."""
    value = b'{"type":"track","event":"e","timestamp":"2099-01-01T00:00:00Z","receivedAt":"2099-01-01T00:00:00Z"}'
    intake = Intake("web", [record(0, value, at=NOW + 1e9)], NOW)

    decode()(intake)

    assert (intake.items[0].time, intake.items[0].received) == (NOW, NOW)
