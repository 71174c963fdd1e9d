"""The index of alerts follows from the documents: what no document holds any more leaves it."""

from __future__ import annotations

from models.conditions.rules import AlertRule
from models.segments.alerts import compile_alerts
from profiles.consent import Consent
from profiles.state import Limits
from profiles.store import Changes, Loaded
from profiles.types import Merge, Profile, Score
from streams.steps.alert import alert
from streams.steps.update import update
from streams.steps.work import Work

DAY = 86400.0
RULE = AlertRule(name="at_risk", threshold=0.6, clear=0.4, cooldown=DAY)
STEP = alert(compile_alerts([RULE], "EUR", []), Consent())


def look(work: Work, profile: Profile, risk: float, now: float) -> None:
    profile.score = Score(risk, "high", now, "m1")
    work.begin(now, (), due=[profile])
    STEP(work)


def index(changes: Changes) -> set[str]:
    """The alerts that a commit leaves in an empty index: what goes is removed before what comes is written."""
    return {held.id for _, held in changes.alerts}


def test_a_new_alert_takes_the_place_of_the_one_before() -> None:
    """Opened, cleared, opened again: also within one batch the index holds what the document holds."""
    profile = Profile("p")
    work = Work(0, Loaded(), 4)
    look(work, profile, 0.9, 0.0)
    first = profile.alerts["at_risk"].id
    look(work, profile, 0.1, DAY)
    look(work, profile, 0.9, 3 * DAY)
    second = profile.alerts["at_risk"].id

    assert first != second
    assert index(work.changes(5, 0)) == {second}
    assert work.changes(5, 0).alerts_gone == [first]


def test_an_alert_goes_with_its_customer() -> None:
    """Opened and merged away in the same batch: the tombstone holds no alert, so the index does not, either."""
    profile = Profile("loser")
    work = Work(0, Loaded(profiles={"loser": profile}), 4)
    look(work, profile, 0.9, 0.0)
    opened = profile.alerts["at_risk"].id
    work.begin(1.0, [Merge("loser", "winner", 1.0, [], ("identity.links", 0, 0))])
    update("EUR", Limits())(work)

    assert index(work.changes(5, 0)) == set()
    assert work.changes(5, 0).alerts_gone == [opened]
