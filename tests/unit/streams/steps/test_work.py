"""Steps that take the batches of several partitions in one call do what they would have done one by one."""

from __future__ import annotations

import copy

import pytest

from models.churn.panel import Panel
from models.config import ChurnConfig
from models.durations import DAY
from profiles.consent import PROFILING, Consent, trait_of
from profiles.state import Limits, apply
from profiles.store import Loaded
from profiles.types import Event, Profile
from streams.kafka.topics import TRAINING_EXAMPLES
from streams.steps.label import label
from streams.steps.score import score
from streams.steps.work import Together, Work

T0 = 1_700_000_000.0
CONFIG = ChurnConfig(panel=1)
PANEL = Panel.cold(CONFIG)
STEPS = [
    score(lambda: PANEL, CONFIG, "EUR", Consent()),
    label(CONFIG, "EUR", Consent(), lambda: PANEL),
]


def customer(number: int) -> Profile:
    """Somebody with some orders, due for a snapshot; every fourth has none, every fifth objects."""
    profile = Profile(f"p{number}", snapshot_at=T0)
    for day in range(number % 4):
        order = Event(profile.id, f"{day}", "shop", "track", "Order", "purchase", T0 - 30 * DAY + day * number, T0)
        apply(profile, order, "EUR", Limits())
    if number % 5 == 0:
        profile.traits[trait_of(PROFILING)] = (False, T0, b"")
    return profile


def works() -> list[Work]:
    """Three partitions, the second without anybody, each looked at at a time of its own."""
    found = []
    for partition, numbers in enumerate((range(1, 9), (), range(9, 20))):
        profiles = {profile.id: profile for profile in map(customer, numbers)}
        work = Work(partition, Loaded(profiles=profiles), 4)
        work.begin(T0 + partition, (), profiles.values())
        found.append(work)
    return found


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_together_is_as_one_by_one(step: Together) -> None:
    one_by_one, together = works(), works()
    before = copy.deepcopy(together[0].profiles)

    for work in one_by_one:
        step(work)
    step.together(together)

    for one, other in zip(one_by_one, together, strict=True):
        assert other.profiles == one.profiles
        assert other.outputs == one.outputs
        assert {output.topic for output in one.outputs} <= {TRAINING_EXAMPLES}
    assert together[0].profiles != before
