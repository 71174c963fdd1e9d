"""Training records wait for the border of their step, and come out in an order of their own."""

from __future__ import annotations

import random

import pytest

from models.labels.examples import Border, Example, ModelCommand, OrderSummary
from models.labels.held import Held
from tests.build import T0

DAY = 86400.0


def summary(profile: str, at: float, border: float = 0.0) -> OrderSummary:
    return OrderSummary(profile, at, 1.0, T0, T0, True, border)


def label(profile: str, due: float, border: float = 0.0) -> Example:
    return Example(profile, due - 28 * DAY, due, "s", b"", True, border=border)


def test_what_was_made_live_is_learned_at_once() -> None:
    """A border then has nothing to wait for."""
    held = Held()
    for record in (summary("a", T0), ModelCommand("c", "release", "", T0), Border(T0)):
        assert held.add(record, 0.0) == [record]
    assert not held


@pytest.mark.parametrize("seed", range(20))
def test_a_step_comes_out_in_one_order_whatever_order_it_came_in(seed: int) -> None:
    """By the time at which each could be known; of one moment by profile."""
    step = [label("b", T0 + 1, T0 + 9), summary("a", T0 + 2, T0 + 9), summary("b", T0 + 2, T0 + 9)]
    step += [label("a", T0 + 5, T0 + 9), label("c", T0 + 5, T0 + 9)]
    came = [*step, *step[:2]]  # some twice
    random.Random(seed).shuffle(came)
    held = Held()
    assert [held.add(record, T0) for record in came] == [[]] * len(came)
    assert held
    assert held.add(Border(T0 + 9), T0) == [*step, Border(T0 + 9)]
    assert not held


def test_who_comes_meanwhile_without_a_border_waits_too_and_comes_after() -> None:
    """The log is committed up to one offset."""
    held = Held()
    first, second = summary("z", T0 + 1, T0 + 9), ModelCommand("c", "release", "", T0)
    third = summary("a", T0)
    assert [held.add(record, T0) for record in (first, second, third)] == [[], [], []]
    assert held.add(Border(T0 + 9), T0) == [first, second, third, Border(T0 + 9)]


def test_a_border_of_a_step_before_changes_nothing_and_a_record_of_one_waits_for_nothing() -> None:
    """A coordinator that was paused wrote it again; a worker that was paused sent it again."""
    held = Held()
    waits = summary("a", T0 + 8, T0 + 9)
    assert held.add(waits, T0 + 5) == []
    assert held.add(Border(T0 + 5), T0 + 5) == []
    assert held
    assert held.add(Border(T0 + 12), T0 + 5) == [waits, Border(T0 + 12)]
    late = summary("b", T0, T0 + 5)
    assert held.add(late, T0 + 12) == [late]


def test_where_the_clock_begins_nothing_waits_and_earlier_steps_are_steps_again() -> None:
    """A load of history turns the clock back behind borders that have come."""
    held = Held()
    left = summary("a", T0 + 8, T0 + 9)
    assert held.add(left, T0 + 5) == []
    begins = Border(T0 - 50, begins=True)
    assert held.add(begins, T0 + 5) == [left, begins]
    assert (begins.passed(T0 + 5), Border(T0).passed(T0 + 5), Border(T0 + 6).passed(T0)) == (T0 - 50, T0 + 5, T0 + 6)
    assert held.add(summary("b", T0 - 41, T0 - 40), T0 - 50) == []
