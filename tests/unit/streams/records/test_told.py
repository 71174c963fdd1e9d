"""A profile that does not know what others were told of it is brought up to that."""

from __future__ import annotations

import pytest

from profiles.types import Alert, Case, CaseEntry, Profile, Stay
from streams.records.told import ToldOf

OLD, NEW = 1_700_000_000.0, 1_700_000_100.0


def alert(id_: str, state: str, opened: float = OLD, changed: float | None = None) -> Alert:
    return Alert(id_, "at_risk", state, opened, opened if changed is None else changed, 0.5)


def told(*alerts: Alert) -> ToldOf:
    return ToldOf(alerts={one.id: one for one in alerts})


def holding(*alerts: Alert) -> Profile:
    return Profile("ann", alerts={one.rule: one for one in alerts})


def test_segments_are_entered_and_left_as_they_were_told() -> None:
    profile = Profile("ann", segments={"loyal": Stay(OLD), "watch": Stay(OLD)})
    of = ToldOf(segments={"vip": (NEW, True), "watch": (NEW, False), "loyal": (OLD, True), "lost": (OLD, False)})
    assert of.differs(profile)
    found = of.adopt(profile)
    assert (found.entered, found.left) == (["vip"], ["watch"])
    assert profile.segments == {"loyal": Stay(OLD), "vip": Stay(NEW)}
    assert not of.differs(profile)


@pytest.mark.parametrize(
    ("held", "of", "stands"),
    [
        pytest.param([], told(alert("a", "open")), alert("a", "open"), id="one that is unknown"),
        pytest.param(
            [alert("a", "open")], told(alert("a", "resolved", changed=NEW)), alert("a", "resolved", changed=NEW),
            id="one that a person has resolved",
        ),
        pytest.param(
            [alert("a", "cleared", changed=NEW)], told(alert("a", "open")), alert("a", "cleared", changed=NEW),
            id="an older state of the same",
        ),
        pytest.param(
            [alert("a", "open")], told(alert("a", "cleared")), alert("a", "cleared"), id="one that a merge has ended"
        ),
        pytest.param(
            [alert("b", "open", NEW)], told(alert("a", "cleared", NEW + 1)), alert("b", "open", NEW),
            id="one that is over beside one that is open",
        ),
        pytest.param(
            [alert("a", "open")], told(alert("a", "cleared"), alert("b", "open")), alert("b", "open"),
            id="two that met in a merge",
        ),
    ],
)  # fmt: skip
def test_the_alert_that_stands_is_the_one_that_was_told_last(held: list[Alert], of: ToldOf, stands: Alert) -> None:
    profile = holding(*held)
    assert of.differs(profile) == (stands not in held)
    of.adopt(profile)
    assert profile.alerts == {"at_risk": stands}


def test_what_people_did_counts_for_labels_too() -> None:
    profile = holding()
    told(alert("a", "acknowledged", changed=NEW)).adopt(profile)
    assert profile.treated_at == NEW


def test_who_was_merged_away_has_nothing_to_be_told() -> None:
    assert not told(alert("a", "open")).differs(Profile("ann", redirect="bob"))


def case(
    id_: str,
    state: str,
    changed: float,
    merged: list[str] | None = None,
    opened: float = OLD,
    after: Case | None = None,
) -> Case:
    history = [
        *(after.history if after else []),
        CaseEntry(opened, "opened", "", id_),
        *([CaseEntry(changed, state)] if changed > opened else []),
    ]
    return Case(id_, "retention", state, opened, changed, history=history, merged=merged or [])


def told_cases(*cases: Case) -> ToldOf:
    return ToldOf(cases={one.id: one for one in cases})


CLEARED = case("c", "cleared", NEW)
AFTER = case("d", "new", NEW, opened=NEW, after=CLEARED)


@pytest.mark.parametrize(
    ("held", "of", "stands", "over"),
    [
        pytest.param(None, [case("c", "new", OLD)], "c new", [], id="one that is unknown"),
        pytest.param(case("c", "new", OLD), [case("c", "resolved", NEW)], "c resolved", [], id="a later state"),
        pytest.param(case("c", "resolved", NEW), [case("c", "new", OLD)], "c resolved", [], id="an older state"),
        pytest.param(
            case("c", "new", OLD), [CLEARED, AFTER], "d new", [],
            id="one that came after it",
        ),
        pytest.param(
            case("d", "new", NEW), [case("d", "cleared", NEW + 1), case("c", "new", NEW, ["d"])], "c new", [],
            id="one that took it in",
        ),
        pytest.param(
            case("d", "new", NEW, opened=NEW), [case("c", "new", OLD)], "c new", ["d"],
            id="one that nobody here knew of, beside it",
        ),
        pytest.param(case("c", "new", OLD), [case("c", "erased", NEW)], "c new", [], id="one that is erased again"),
    ],
)  # fmt: skip
def test_the_case_that_stands_is_what_was_told_and_what_is_here_together(
    held: Case | None, of: list[Case], stands: str, over: list[str]
) -> None:
    profile = Profile("ann", case=held)
    found = told_cases(*of).adopt(profile)
    assert profile.case is not None
    assert f"{profile.case.id} {profile.case.state}" == stands
    assert [one.id for one in found.cases_over] == over
    assert (found.joined is not None) == bool(over)
    assert over or not told_cases(*of).differs(profile)


def test_a_case_of_before_that_is_told_again_does_not_come_back() -> None:
    """A worker that was paused puts it behind its successor's news."""
    before, now = case("c", "new", OLD), AFTER
    profile = Profile("ann", case=now)
    found = told_cases(before).adopt(profile)
    assert (profile.case, [one.id for one in found.cases_over], found.joined) == (now, ["c"], None)
