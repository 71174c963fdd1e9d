"""The latest few of each kind."""

from __future__ import annotations

from itertools import permutations

from profiles.traces.mementos import KEPT, Memento, add_memento, join_mementos, mementos_of


def test_the_latest_stay_in_any_order() -> None:
    three = [Memento(5, "b"), Memento(5, "a", mark=b"1"), Memento(1, "x", "y", 3)]
    found = set()
    for order in permutations([*three, three[0]]):
        held = b""
        for each in order:
            held = add_memento(held, "contact", each)
        found.add(held)

    assert len(found) == 1
    assert mementos_of(found.pop()) == sorted(three)


def test_of_many_the_latest_and_of_two_profiles_as_well() -> None:
    most = KEPT["csat"]
    ours, theirs = b"", b""
    for at in range(20):
        if at % 2:
            ours = add_memento(ours, "csat", Memento(at))
        else:
            theirs = add_memento(theirs, "csat", Memento(at))

    assert [each.at for each in mementos_of(join_mementos(ours, theirs, "csat"))] == list(range(20 - most, 20))
    assert join_mementos(ours, theirs, "csat") == join_mementos(theirs, ours, "csat")


def test_a_long_text_is_cut() -> None:
    (one,) = mementos_of(add_memento(b"", "search", Memento(1, "espresso machine with a grinder")))

    assert one.what == "espresso machine with a…"
