import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.demo.people import EXAMPLE
from models.labels.treatment import held_out, note, treated
from plan import load_plan
from profiles.types import Profile, Snapshot, profile_id
from tests import REPOSITORY

PLAN = REPOSITORY / "tracking_plan.yaml"


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3])
def test_the_share_is_as_large_as_asked_for(share):
    ids = [profile_id(uuid.NAMESPACE_DNS, ("user_id", str(n))) for n in range(20_000)]

    assert sum(held_out(id_, share) for id_ in ids) / len(ids) == pytest.approx(share, rel=0.15)


@given(st.text(max_size=22), st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_larger_share_keeps_those_of_a_smaller_one(id_, one, other):
    assert held_out(id_, min(one, other)) <= held_out(id_, max(one, other))
    assert not held_out(id_, 0.0)


def test_a_few_are_held_out_in_the_shipped_plan_but_not_the_customer_that_its_guide_looks_at():
    plan = load_plan(PLAN, {})

    assert plan.churn.hold_out == 0.05
    assert not held_out(profile_id(plan.namespace, ("user_id", str(EXAMPLE))), plan.churn.hold_out)


@given(
    st.lists(st.integers(0, 30), max_size=6),
    st.lists(st.integers(0, 30), min_size=1, max_size=3),
    st.integers(0, 30),
    st.data(),
)
def test_each_label_knows_whether_anybody_acted_within_it(times, photographed, until, data):
    """Whatever the order in which treatments become known, before a snapshot is taken or after: none is forgotten."""
    profile = Profile("p")
    for at in sorted(photographed):
        profile.snapshots.append(Snapshot(float(at), 0.0, "", b""))
    for time in data.draw(st.permutations(times)):
        note(profile, float(time))

    for pending in profile.snapshots:
        assert treated(profile, pending, until) == any(pending.at < time <= until for time in times)
    assert profile.treated_at == max(times, default=0)


def test_a_treatment_before_the_snapshot_of_a_lagging_clock_counts():
    profile = Profile("p")
    note(profile, 9.0)
    pending = Snapshot(8.0, 0.0, "", b"")

    assert treated(profile, pending, 9.0)
    assert not treated(profile, pending, 8.9)
    assert not treated(profile, Snapshot(9.0, 0.0, "", b""), 20.0)
