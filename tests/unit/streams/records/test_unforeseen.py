"""An event at which we fail is rejected alone, and said so once."""

from __future__ import annotations

import logging

import pytest

from profiles.errors import Fenced, Unacceptable
from streams.records.unforeseen import UNREADABLE, unreadable
from streams.steps.intake import Each, Intake, Item
from tests.build import record


def fails_at(offset: int, error: Exception) -> Each:
    def step(batch: Intake, item: Item) -> None:
        if item.record.offset == offset:
            raise error

    return Each("step", step)


@pytest.mark.parametrize(
    "error", [OverflowError("Ada"), TypeError("Ada"), ValueError("Ada"), KeyError("Ada"), RecursionError("Ada")]
)
def test_no_event_stops_the_others(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """It is kept with its bytes; what the error says is told to nobody, as it may be personal."""
    intakes = [Intake("web", [record(offset, b"%d" % offset) for offset in range(3)], 9.0) for _ in range(2)]

    with caplog.at_level(logging.ERROR):
        step = fails_at(1, error)
        for intake in intakes:
            step(intake)

    for intake in intakes:
        assert [item.record.offset for item in intake.items] == [0, 2]
        (rejection,) = intake.rejected
        assert (rejection.step, rejection.reason, rejection.payload) == ("step", UNREADABLE, b"1")
        assert type(error).__name__ in rejection.message
        assert "Ada" not in rejection.message + caplog.text
    assert caplog.text.count(type(error).__name__) == 1


@pytest.mark.parametrize("error", [MemoryError(), Fenced()])
def test_what_is_no_fault_of_the_event_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        fails_at(0, error)(Intake("web", [record(0)], 9.0))


def test_a_foreseen_rejection_stays_what_it_is() -> None:
    foreseen = Unacceptable("no_identity", "why")

    assert unreadable("step", foreseen) is foreseen
