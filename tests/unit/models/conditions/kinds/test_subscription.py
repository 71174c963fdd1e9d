"""Whether a subscription lasts, each by itself."""

from __future__ import annotations

import copy

import pytest
from pydantic import TypeAdapter

from models.conditions.compiler import compile_condition
from models.conditions.ranks import Ranks
from models.conditions.tree import Condition
from models.durations import DAY
from models.population.snapshot import PopulationSnapshot
from profiles.merge import merge
from profiles.state import Limits, apply
from profiles.types import Profile, Tally
from tests.build import T0, customer, event

READ = TypeAdapter(Condition).validate_python
RANKS = Ranks(PopulationSnapshot.empty, "EUR")
START, END = "subscription_start", "subscription_cancel"


def state(profile: Profile) -> str:
    """What conditions say of the customer: active, ended, or neither."""
    said = [
        answer
        for answer in ("active", "ended")
        if compile_condition(READ({"subscription": answer}), "EUR", 0.15, RANKS)(profile, T0, (), 0, [])
    ]
    assert len(said) <= 1
    return "".join(said)


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        ([], ""),
        ([(START, 1, "s1")], "active"),
        ([(START, 1, "s1"), (END, 5, "s1")], "ended"),
        ([(START, 1, "s1"), (END, 5, "s1"), (START, 9, "s1")], "active"),  # taken up again
        ([(START, 1, "s1"), (END, 5, "s1"), (START, 9, "s2")], "active"),  # another one
        ([(START, 1, "s1"), (START, 2, "s2"), (END, 5, "s1")], "active"),  # one of two
        ([(START, 1, "s1"), (START, 2, "s2"), (END, 5, "s1"), (END, 6, "s2")], "ended"),
        ([(START, 1, "s1"), (START, 2, "s2"), (END, 5, "")], "ended"),  # an end that names none is of all…
        ([(START, 1, "s1"), (END, 5, ""), (START, 6, "s2")], "active"),  # …that were there
        ([(START, 1, ""), (END, 5, "")], "ended"),
        ([(END, 5, "s1")], "ended"),
        ([(START, 1, ""), (END, 5, "s1")], "ended"),  # a page knows no number, the server does that ends it…
        ([(START, 6, ""), (END, 5, "s1")], "active"),  # …and none that began since…
        ([(START, 1, ""), (START, 3, "s1"), (END, 5, "s1")], "active"),  # …nor beside another's own start
    ],
)
def test_one_that_lasts_is_enough(happened: list[tuple[str, int, str]], expected: str) -> None:
    """In either order of arrival."""
    events = [event(role, day, subject=subject) for role, day, subject in happened]

    assert state(customer(*events)) == state(customer(*events[::-1])) == expected


def test_a_profile_of_before_has_what_its_roles_say() -> None:
    """It kept the latest start and the latest end of all."""
    begun, ended = Tally(1, T0, T0 + 1), Tally(1, T0, T0 + 2)

    assert state(Profile("p", roles={START: begun})) == "active"
    assert state(Profile("p", roles={START: begun, END: ended})) == "ended"


@pytest.mark.parametrize(
    ("before", "since", "expected"),
    [
        ((1, 9), [(START, 1, "s1")], "ended"),  # told again
        ((1, 9), [(START, 1, "s1"), (END, 9, "s1")], "ended"),
        ((1, 9), [(START, 12, "s1")], "active"),
        ((1, 9), [(END, 4, "s2")], "ended"),
        ((1, None), [(END, 9, "s1")], "ended"),  # by the name of which the start was told before
        ((1, None), [(END, 9, "s1"), (START, 1, "s1")], "ended"),
        ((1, None), [(END, 9, "s2"), (START, 4, "s2")], "active"),
        ((None, 9), [(START, 4, "s1")], "ended"),
    ],
)
def test_a_profile_of_before_keeps_what_its_roles_said(
    before: tuple[int | None, int | None], since: list[tuple[str, int, str]], expected: str
) -> None:
    """When more is told of it, in either order, or when it is merged."""
    roles = {role: Tally(1, T0, T0 + day * DAY) for role, day in zip((START, END), before, strict=True) if day}
    events = [event(role, day, subject=subject) for role, day, subject in since]
    for history in (events, events[::-1]):
        old = Profile("p", roles=copy.deepcopy(roles))
        for each in history:
            apply(old, each, "EUR", Limits())
        assert state(old) == expected
    old, new = Profile("p", roles=copy.deepcopy(roles)), customer(*events)
    for winner, loser in ((copy.deepcopy(old), new), (copy.deepcopy(new), old)):
        merge(winner, loser, Limits())
        assert state(winner) == expected
