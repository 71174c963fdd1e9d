import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.demo.people import EXAMPLE
from models.treatment import held_out, note, treated
from profiles.types import Alert, Profile, profile_id
from streams.plan import load_plan

PLAN = Path(__file__).parents[3] / "tracking_plan.yaml"


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


def test_the_latest_treatment_is_kept():
    profile = Profile("p")
    for changed in (5.0, 9.0, 7.0):
        note(profile, Alert("a", "rule", "acknowledged", 1.0, changed, 0.8, by="kim"))

    assert profile.treated_at == 9.0
    assert treated(profile, 8.0, 9.0)
    assert not treated(profile, 9.0, 20.0)
    assert not treated(profile, 5.0, 8.9)
