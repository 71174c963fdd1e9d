"""Held segments: who is in stays in, who is out stays out, whatever is found."""

from __future__ import annotations

import pytest

from models.segments.held import Held, as_held, hold_nothing

HELD = frozenset({"moved", "gone"})


@pytest.mark.parametrize(
    ("found", "current", "inside"),
    [
        ({"moved", "same"}, set(), {"same"}),  # nobody enters…
        ({"same"}, {"moved", "same"}, {"moved", "same"}),  # …or leaves
        (set(), {"gone"}, {"gone"}),  # not even what this plan does not know
        (set(), {"same"}, set()),
        ({"moved"}, {"moved"}, {"moved"}),
    ],
)
def test_nobody_enters_or_leaves_a_held_segment(found: set[str], current: set[str], inside: set[str]) -> None:
    assert as_held(found, current, HELD) == inside


def test_while_nothing_is_held_all_is_as_found() -> None:
    assert as_held({"a"}, {"b"}, hold_nothing().segments) == {"a"}
    assert hold_nothing() == Held()
