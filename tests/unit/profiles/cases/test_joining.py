"""Cases of customers who are one become one, in whatever order they meet."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from profiles.cases.joining import STANDING, join_cases, newness
from profiles.types import Case, CaseEntry

_times = st.integers(0, 30).map(float)
_entries = st.lists(
    st.builds(CaseEntry, _times, st.sampled_from(["opened", "note"]), st.just(""), st.text("ab", max_size=1)),
    max_size=12,
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    opened = draw(_times)
    return Case(
        id=f"cs_{draw(st.integers(0, 99))}_{opened:g}",
        kind=draw(st.sampled_from(["retention", "win_back"])),
        state=draw(st.sampled_from([*STANDING, "resolved", "cleared"])),
        opened=opened,
        changed=opened + draw(_times),
        rules=draw(st.dictionaries(st.sampled_from("rst"), _times)),
        risk=draw(st.none() | st.floats(0, 1)),
        assignee=draw(st.sampled_from(["", "kim", "lee"])),
        owner=draw(st.sampled_from(["", "CRM", "Support"])),
        given=draw(st.sampled_from([0.0, 1.0, 2.0])),
        notes=draw(_entries)[-10:],
        history=draw(_entries),
    )


@settings(max_examples=200, deadline=None)
@given(found=st.lists(cases(), min_size=2, max_size=3, unique_by=(lambda case: case.id, lambda case: case.changed)))
def test_order_makes_no_difference(found: list[Case]) -> None:
    results = []
    for order in permutations(found):
        joined: Case | None = None
        for case in order:
            joined = join_cases(joined, case)
        results.append(joined)
    for one, other in permutations(results, 2):
        assert one == other


def test_whose_it_is_a_person_said_last_or_is_asked_anew() -> None:
    one = Case("cs_a_1", "retention", "new", 1.0, 5.0, {"r": 1.0}, owner="CRM")
    other = Case("cs_b_2", "retention", "new", 2.0, 6.0, {"s": 2.0}, owner="CRM")
    given = Case("cs_c_3", "retention", "new", 3.0, 4.0, {"s": 3.0}, owner="Support", given=4.0)
    routed, kept = join_cases(one, other), join_cases(other, given)
    assert routed is not None
    assert kept is not None
    assert (routed.owner, kept.owner, kept.given) == ("", "Support", 4.0)


def test_two_that_stand_have_the_earlier_opening_all_rules_and_all_notes() -> None:
    note = CaseEntry(3.0, "note", "kim", "called")
    one = Case("cs_a_1", "retention", "new", 1.0, 5.0, {"r": 1.0}, risk=0.6, reasons=["Silent"])
    other = Case("cs_b_2", "retention", "acknowledged", 2.0, 6.0, {"s": 2.0}, assignee="kim", notes=[note])
    joined = join_cases(one, other)
    assert joined is not None
    assert (joined.id, joined.opened, joined.reasons, joined.risk) == ("cs_a_1", 1.0, ["Silent"], 0.6)
    assert (joined.state, joined.assignee, joined.rules) == ("acknowledged", "kim", {"r": 1.0, "s": 2.0})
    assert (joined.notes, joined.merged) == ([note], ["cs_b_2"])


def test_of_one_time_the_state_counts_that_has_taken_in_more() -> None:
    """A merge alone changes no time: a store that was set back, or who reads partitions in another order, must not take
    the state of before for the newer one."""
    before = Case("cs_a_1", "retention", "new", 1.0, 6.0, {"r": 1.0}, owner="CRM")
    joined = join_cases(before, Case("cs_b_2", "retention", "new", 2.0, 5.0, {"s": 2.0}, owner="Support", given=4.0))
    assert joined is not None
    assert joined.changed == before.changed
    assert newness(joined) > newness(before)
    for one, other in permutations((before, joined)):
        assert join_cases(one, other) == joined


def test_what_a_case_was_or_has_taken_in_brings_nothing_back() -> None:
    """A merge that is made again, because a store was set back, brings the loser's case as it was."""
    theirs = Case("cs_b_2", "retention", "new", 2.0, 6.0)
    ours = join_cases(Case("cs_a_1", "retention", "new", 1.0, 5.0), theirs)
    assert ours is not None
    solved = structs.replace(ours, state="resolved", changed=9.0)
    for one, other in permutations((solved, theirs)):
        assert join_cases(one, other) == solved
    for one, other in permutations((solved, ours)):
        assert join_cases(one, other) == solved
