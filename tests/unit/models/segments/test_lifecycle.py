import pytest

from models.durations import DAY
from models.segments.lifecycle import move, next_change, stage
from profiles.types import Profile, Score
from tests.build import CONFIG, T0, buyer


@pytest.mark.parametrize(
    ("orders", "day", "band", "expected"),
    [
        ((), 0, None, "prospect"),
        ((0,), 1, "high", "new"),
        ((0,), 31, "low", "active"),
        ((0, 40), 50, "medium", "active"),
        ((0, 10, 20, 30), 50, "low", "loyal"),
        ((0, 10, 20, 30), 50, "high", "at_risk"),
        ((0,), 182, "low", "churned"),
        ((0, 200), 210, "high", "won_back"),
        ((0, 200), 261, "low", "active"),
    ],
)
def test_the_stage(orders, day, band, expected):
    profile = buyer(*orders) if orders else Profile("x")
    profile.score = Score(0.5, band, T0, "m") if band else None

    assert stage(profile, T0 + day * DAY, CONFIG) == expected


def test_silence_moves_a_customer_through_the_stages_at_the_foreseen_times():
    profile, now, seen = buyer(0), T0, []
    while True:
        move(profile, now, CONFIG)
        seen.append((profile.stage, (now - T0) / DAY))
        following = next_change(profile, now, CONFIG)
        if following is None:
            break
        assert stage(profile, following - 1e-3, CONFIG) == profile.stage
        now = following

    assert seen == [("new", 0), ("active", 30), ("churned", 182)]
    assert profile.stages == [("new", T0), ("active", T0 + 30 * DAY)]
    assert not move(profile, now, CONFIG)


def test_few_earlier_stages_are_kept():
    profile = buyer(0)
    for i in range(30):
        profile.score = Score(0.5, "high" if i % 2 else "low", T0, "m")
        move(profile, T0 + (40 + i) * DAY, CONFIG)

    assert len(profile.stages) == 8
