"""When something is tried again, and what a sink that fails is spared."""

from __future__ import annotations

from streams.sinks.deciding.patience import SCHEDULE, Breaker, Pacer, wait_after
from streams.sinks.kinds.kind import Pace


def test_there_are_ten_attempts_within_three_days_and_some():
    waits = [wait_after("m", tries) for tries in range(1, 10)]
    assert [round(wait / planned, 6) >= 1 for wait, planned in zip(waits, SCHEDULE[1:], strict=True)] == [True] * 9
    assert 75 * 3600 < sum(waits) < 84 * 3600
    assert wait_after("m", 10) is None


def test_messages_that_failed_together_are_not_tried_again_together():
    assert len({wait_after(f"m{number}", 3) for number in range(100)}) == 100
    assert wait_after("m", 3) == wait_after("m", 3), "the same for every process"


def test_after_twenty_failures_one_attempt_a_minute_is_made():
    breaker = Breaker()
    for _ in range(19):
        breaker.failed(100.0)
    assert breaker.wait(100.0, 5) == 0.0
    breaker.failed(100.0)
    assert (breaker.wait(100.0, 0), breaker.wait(159.0, 0), breaker.wait(160.0, 0)) == (60.0, 1.0, 0.0)
    assert breaker.wait(160.0, 1) > 0, "one at a time"
    breaker.failed(160.0)
    assert (breaker.wait(160.0, 0), breaker.failing) == (60.0, 100.0)
    breaker.succeeded()
    assert (breaker.wait(160.0, 9), breaker.failing) == (0.0, 0.0)


def test_one_that_failed_before_the_process_began_is_spared_too():
    assert Breaker(failing=50.0).is_open
    assert Breaker(failing=50.0).wait(100.0, 0) == 0.0


def test_who_asks_to_be_left_alone_is():
    breaker = Breaker()
    breaker.pause(130.0)
    assert breaker.wait(100.0, 0) == 30.0


def test_a_pace_is_kept():
    pacer = Pacer(Pace(2, 10.0, 1))
    pacer.start(0.0)
    pacer.start(4.0)
    assert (pacer.wait(5.0), pacer.wait(10.0)) == (5.0, 0.0)
    pacer.start(10.0)
    assert pacer.wait(10.0) == 4.0
