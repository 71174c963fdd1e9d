"""A profile that does not know what others were told of it is brought up to that."""

from __future__ import annotations

import pytest

from profiles.types import Alert, Profile, Stay
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
