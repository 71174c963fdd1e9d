"""When the breaker opens: by share over a window, by a run, never by too few; and what a probe decides."""

from __future__ import annotations

import pytest

from plan.model import BreakerSpec
from streams.worker.breaker_rule import BreakerRule

GOOD, BAD = [False], [True]


def test_a_share_above_the_ratio_opens_it_once_there_are_enough_events() -> None:
    """199 are too few to say; 200 with more than half rejected are not."""
    assert BreakerRule(BreakerSpec()).judge(BAD * 199) == ""
    assert "100%" in BreakerRule(BreakerSpec()).judge(BAD * 200)
    assert BreakerRule(BreakerSpec()).judge(GOOD * 100 + BAD * 100) == ""
    assert "rejected" in BreakerRule(BreakerSpec()).judge(GOOD * 99 + BAD * 101)


def test_only_the_latest_events_count() -> None:
    """A good morning does not hide a bad noon."""
    breaker = BreakerRule(BreakerSpec(run=1000))
    assert breaker.judge(GOOD * 100_000) == ""
    assert breaker.judge(BAD * 400) == ""

    assert "60%" in breaker.judge(BAD * 200)


def test_an_unbroken_run_opens_it_whatever_the_share() -> None:
    """Across batches; one good event among them breaks the run."""
    policy = BreakerSpec(ratio=0.99, run=500)
    breaker = BreakerRule(policy)
    assert breaker.judge(GOOD * 500 + BAD * 300) == ""
    assert "500 events in a row" in breaker.judge(BAD * 200)

    broken = BreakerRule(policy)
    assert broken.judge(GOOD * 500 + BAD * 300 + GOOD) == ""
    assert broken.judge(BAD * 199) == ""


def test_what_was_not_taken_does_not_count() -> None:
    """The batch that opened it is judged again as it is, not on top of itself."""
    breaker = BreakerRule(BreakerSpec())
    assert breaker.judge(BAD * 300) != ""

    assert breaker.judge(GOOD * 300 + BAD * 100) == ""


def test_a_probe_decides_by_however_few_events() -> None:
    """A held source is not let go by a handful of bad events."""
    assert BreakerRule(BreakerSpec()).judge(BAD * 3 + GOOD, probe=True) != ""
    assert BreakerRule(BreakerSpec()).judge(BAD + GOOD * 3, probe=True) == ""


def test_switched_off_it_never_opens() -> None:
    """`breaker: off`."""
    assert BreakerRule(None).judge(BAD * 10_000) == ""


def test_a_policy_that_could_never_open_is_refused() -> None:
    """More in a row than are looked at."""
    with pytest.raises(ValueError, match="window"):
        BreakerSpec(run=2000)
