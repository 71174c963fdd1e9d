"""When timers trust a machine's clock."""

from __future__ import annotations

import time

import pytest

from streams.clock import ClockWatch

DAY = 86_400.0


def test_a_clock_is_trusted_only_after_a_look_that_agreed() -> None:
    """And no longer than until it jumps, which shows at once, before the next look."""
    watch, now = ClockWatch(), time.time()
    assert not watch.trusts(now)
    watch.compare(now, now + 1, took=2.0)
    assert watch.trusts(now + 2)
    assert not watch.trusts(now + DAY)
    assert not watch.trusts(now - DAY)


@pytest.mark.parametrize(("ours", "agrees"), [(59.0, True), (-59.0, True), (61.0, False), (-61.0, False)])
def test_a_minute_is_borne_in_both_directions(ours: float, agrees: bool) -> None:
    """Ahead and behind."""
    watch, now = ClockWatch(), time.time()
    watch.compare(now + ours, now, took=0.0)
    assert watch.trusts(now + ours) is agrees


def test_a_slow_answer_is_no_jump() -> None:
    """Two minutes between question and answer, and the other clock somewhere between."""
    watch, now = ClockWatch(), time.time()
    watch.compare(now, now + 30, took=120.0)
    assert watch.trusts(now + 120)


def test_a_jump_between_question_and_answer_shows() -> None:
    """The answer agrees with the clock of before; the clock of now is not trusted."""
    watch, now = ClockWatch(), time.time()
    watch.compare(now, now, took=0.01)
    assert not watch.trusts(now + DAY)
    assert watch.trusts(now)


def test_what_is_wrong_is_said_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    """Not every second."""
    watch, now = ClockWatch(), time.time()
    for _ in range(3):
        watch.compare(now + DAY, now, took=0.0)
    for _ in range(3):
        watch.compare(now, now, took=0.0)

    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert said[0].startswith("the clock of this machine is 86400 s ahead of Redis's: timers wait")
    assert said[1].endswith("timers go on")
