"""Whether a load comes in its own time: by where the clock stands, and what was loaded before."""

from __future__ import annotations

from math import inf

import pytest

from profiles.clock import TURNS_BACK, ClockState, Load, Phase
from streams.history.run import in_its_own_time

NOW = 1_800_000_000.0
OLD = NOW - 100 * 86_400
LONG, LATELY = NOW - TURNS_BACK - 1, NOW - 3600


def loaded(sent: float) -> Load:
    """Another load."""
    return Load(id="other", name="other", since=OLD, until=NOW, sent=sent)


@pytest.mark.parametrize(
    ("phase", "live_since", "watermark", "loads", "expected"),
    [
        ("new", 0.0, 0.0, [], True),
        ("live", LATELY, NOW, [], True),  # it turns back
        ("live", LATELY, NOW, [loaded(OLD)], True),  # the other is under way
        ("live", LATELY, NOW, [loaded(inf)], False),  # that would undo what was lived through
        ("live", LONG, NOW, [], False),
        ("new", LONG, NOW, [], False),  # a worker that starts after an outage
        ("filling", 0.0, OLD - 1, [loaded(OLD)], True),  # beside another load that has not come so far
        ("filling", 0.0, OLD + 1, [loaded(NOW)], False),
    ],
)
def test_history_is_lived_through_or_late(
    phase: Phase, live_since: float, watermark: float, loads: list[Load], expected: bool
) -> None:
    """As the coordinator will take it."""
    state = ClockState(phase=phase, live_since=live_since, watermark=watermark)

    assert in_its_own_time(state, OLD, loads, NOW) == expected


def test_what_is_of_today_is_never_late() -> None:
    """A live installation takes events of the last hour as they come."""
    assert in_its_own_time(ClockState(phase="live", live_since=LONG, watermark=NOW), NOW - 60, [loaded(inf)], NOW)
