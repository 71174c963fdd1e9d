import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import labels
from models.config import DAY, WEEK
from models.features import SCHEMA, matrix, raws, unpack
from profiles.state import apply
from profiles.types import Profile
from tests.models.build import CAPS, CONFIG, T0, buyer, event

DUE, FINAL = 28 * DAY, 29 * DAY  # label horizon; plus the lateness


def photographed(day: float = 10) -> Profile:
    profile = buyer(0, 5)
    assert labels.take(profile, T0 + day * DAY, CONFIG, "EUR")
    return profile


@given(st.floats(0, 60), st.lists(st.floats(0, 60), max_size=5))
def test_no_label_leaves_before_its_time_whatever_happened(watermark, orders):
    profile = photographed(10)
    for day in orders:
        apply(profile, event("purchase", day), "EUR", CAPS)

    released = labels.mature(profile, T0 + watermark * DAY, CONFIG)

    assert bool(released) == (watermark * DAY >= 10 * DAY + FINAL)
    assert len(released) + len(profile.snapshots) == 1


@pytest.mark.parametrize(
    ("order", "label"), [(None, False), (10.0, False), (10.001, True), (38.0, True), (38.001, False), (9.0, False)]
)
def test_the_label_is_an_order_within_the_horizon(order, label):
    profile = photographed(10)
    if order is not None:
        apply(profile, event("purchase", order), "EUR", CAPS)

    [example] = labels.mature(profile, T0 + 10 * DAY + FINAL, CONFIG)

    assert example.y is label
    assert (example.at, example.due, example.schema) == (T0 + 10 * DAY, T0 + 38 * DAY, SCHEMA)


def test_an_example_holds_the_features_of_then():
    profile = buyer(0, 5)
    then = matrix(raws([profile], "EUR"), np.array([T0 + 10 * DAY]))[0]
    labels.take(profile, T0 + 10 * DAY, CONFIG, "EUR")
    apply(profile, event("purchase", 3), "EUR", CAPS)  # late
    apply(profile, event("purchase", 20), "EUR", CAPS)

    [example] = labels.mature(profile, T0 + 90 * DAY, CONFIG)

    np.testing.assert_allclose(unpack(example.x), then, rtol=1e-6)


def test_a_label_that_the_profile_can_no_longer_know_is_dropped():
    profile = photographed(10)
    for hour in range(40):
        apply(profile, event("purchase", 60 + hour / 24), "EUR", CAPS)

    assert labels.mature(profile, T0 + 90 * DAY, CONFIG) == []
    assert profile.snapshots == []


def test_a_snapshot_knows_nothing_of_its_own_future():
    ahead = buyer(0, 10.5)
    assert labels.take(ahead, T0 + 10 * DAY, CONFIG, "EUR")
    assert ahead.snapshots[0].at == T0 + 10.5 * DAY

    far_ahead = buyer(0, 100)
    assert not labels.take(far_ahead, T0 + 10 * DAY, CONFIG, "EUR")


def test_one_snapshot_at_a_time_and_none_of_who_never_ordered():
    profile = photographed(10)

    assert not labels.take(profile, T0 + 11 * DAY, CONFIG, "EUR")
    assert not labels.take(Profile("x"), T0, CONFIG, "EUR")
    assert labels.next_snapshot(Profile("x"), T0, CONFIG) is None


@given(st.uuids(), st.floats(0, 600))
def test_snapshots_come_once_per_period_at_a_time_of_the_customers_own(id, day):
    profile = buyer(0, id=id.hex)
    now = T0 + day * DAY

    first = labels.next_snapshot(profile, now, CONFIG)
    second = labels.next_snapshot(profile, first, CONFIG)

    assert now < first <= now + CONFIG.snapshot_every + 1e-3
    assert second - first == pytest.approx(CONFIG.snapshot_every)


def test_the_long_gone_are_thinned_and_weighted():
    people = [buyer(0, id=f"{i:032x}") for i in range(64)]
    late = T0 + 5 * CONFIG.horizon
    soon = sum(labels.next_snapshot(p, late, CONFIG) <= late + CONFIG.snapshot_every for p in people)

    assert 4 <= soon <= 32  # one in THIN = 4 of 64
    for profile in people:
        first = labels.next_snapshot(profile, late, CONFIG)
        again = labels.next_snapshot(profile, first, CONFIG)
        assert again - first == pytest.approx(labels.THIN * CONFIG.snapshot_every)
    labels.take(people[0], late, CONFIG, "EUR")
    assert people[0].snapshots[0].weight == labels.THIN


def test_due_times_and_censoring():
    profile = photographed(10)

    assert labels.next_due(profile, CONFIG) == T0 + 10 * DAY + FINAL
    assert labels.censor(profile) == 1
    assert labels.next_due(profile, CONFIG) is None
    assert labels.mature(profile, T0 + 52 * WEEK, CONFIG) == []


def test_a_batch_is_photographed_as_its_customers_would_be_alone():
    people = [buyer(0, 5, id=f"{i:032x}") for i in range(3)] + [Profile("x"), buyer(0, 10.2), buyer(0, 99)]
    alone = [labels.take(profile, T0 + 10 * DAY, CONFIG, "EUR") for profile in people]
    kept = [profile.snapshots for profile in people]
    for profile in people:
        profile.snapshots = []

    taken = labels.take_all(people, T0 + 10 * DAY, CONFIG, "EUR")

    assert alone == [True, True, True, False, True, False]
    assert [profile.snapshots for profile in people] == kept
    assert taken == [profile for profile, was in zip(people, alone, strict=True) if was]
