"""The groups of a customer, by what a plan lets be looked at."""

from __future__ import annotations

import pytest

from models.features.kinds import part_of
from models.labels.groups import groups_of, in_words
from plan import PlanError, load_plan, parse_plan
from profiles.types import Stay, Subscription, Tally
from tests import REPOSITORY
from tests.build import T0, buyer, customer, event


def test_what_everybody_is() -> None:
    """By orders, subscription, and where they are met."""
    once, again = buyer(3), buyer(3, 9)
    again.subscriptions = [Subscription("S", started=5.0)]

    assert groups_of(once, ()) == ["kind:once", "kind:unseen", "source:web"]
    assert groups_of(again, None) == ["kind:again", "kind:subscribed", "kind:unseen", "source:web"]
    again.subscriptions = [Subscription("S", started=5.0, ended=6.0)]
    assert "kind:subscribed" not in groups_of(again, ())
    again.narrowed = {part_of("purchase", "discount"): Tally(1, T0, T0)}
    assert "kind:discounts" in groups_of(again, ())
    assert "kind:unseen" not in groups_of(customer(event("purchase", 1), event("visit", 2)), ())


def test_traits_and_segments_that_are_asked_for() -> None:
    """A trait that somebody lacks, or whose value is long or no name, is no group."""
    profile = buyer(3)
    profile.traits = {
        "country": ("NL", T0, b""),
        "bio": ("x" * 50, T0, b""),
        "age": (3.5, T0, b""),
        "b": (True, T0, b""),
    }
    profile.segments = {"loyal": Stay(T0), "at_risk": Stay(T0)}

    found = groups_of(profile, ("trait:country", "trait:bio", "trait:age", "trait:b", "trait:none", "segment:loyal"))

    assert found[3:] == ["trait:country=NL", "trait:b=True", "segment:loyal"]


def test_a_plan_asks_for_what_is_not_personal_and_hangs_on_no_risk() -> None:
    """Else a risk would change its own groups."""
    asked = load_plan(REPOSITORY / "tracking_plan.yaml").churn.groups
    assert asked is not None

    assert {"trait:country", "trait:plan", "segment:subscriber"} <= set(asked)
    text = (REPOSITORY / "tracking_plan.yaml").read_text()
    begin, end = text.index("  groups: ["), text.index("  # For one customer in twenty")
    asked = parse_plan(text[:begin] + text[end:], "plan", {}).churn.groups
    assert asked is not None
    assert {"trait:country", "trait:plan", "segment:loyal", "segment:subscriber"} <= set(asked)
    assert not {"trait:email", "trait:first_name", "segment:at_risk", "segment:watch"} & set(asked)


@pytest.mark.parametrize(
    ("group", "problem"),
    [
        ("trait:email", "is personal"),
        ("segment:at_risk", "looks at the risk"),
        ("trait:contry", "there is no trait 'contry'"),
        ("segment:nobody", "there is no segment 'nobody'"),
        ("country", "is no group"),
    ],
)
def test_a_group_that_cannot_be_is_told(group: str, problem: str) -> None:
    """When the plan is checked."""
    text = (REPOSITORY / "tracking_plan.yaml").read_text()
    with pytest.raises(PlanError, match=problem):
        parse_plan(text.replace("  groups: [trait:country,", f"  groups: [{group},"), "plan", {})


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("kind:once", "who ordered once"),
        ("source:app", "who are met in app"),
        ("trait:country=NL", "with country NL"),
        ("segment:loyal", "in the segment loyal"),
    ],
)
def test_a_group_has_words(group: str, words: str) -> None:
    """After "customers"."""
    assert in_words(group) == words
