"""A rule holds only for who allows what it is for."""

from __future__ import annotations

import pytest

from models.conditions.rules import AlertRule, SegmentRule
from models.durations import DAY
from models.segments.alerts import compile_alerts, forget_risk
from models.segments.membership import compile_segments
from models.segments.purposes import alert_needs, segment_needs
from profiles.consent import OUTREACH, PROFILING, Consent, trait_of
from profiles.types import Profile, Reason, Score, Stay
from tests.build import T0, buyer

RISKY = Score(0.9, "high", T0, "rules-1", [Reason("recency", 1.0, 9.0)])


def segment(name: str, when: dict[str, object], **more: object) -> SegmentRule:
    return SegmentRule.model_validate({"name": name, "when": when, **more})


def alert(**more: object) -> AlertRule:
    return AlertRule.model_validate({"name": "a", "cooldown": "7d", **more})


def says(profile: Profile, **words: bool) -> Profile:
    """The customer says something."""
    profile.traits.update({trait_of(purpose): (word, T0, b"") for purpose, word in words.items()})
    return profile


@pytest.mark.parametrize(
    ("when", "needs"),
    [
        ({"risk": "above 0.5"}, (PROFILING,)),
        ({"band": "low"}, (PROFILING,)),
        ({"not": {"band": "high"}}, (PROFILING,)),
        ({"any": [{"count": "purchase", "at_least": 1}, {"risk": "above 0.5"}]}, (PROFILING,)),
        ({"stage": "at_risk"}, (PROFILING,)),
        ({"stage": ["loyal", "at_risk"]}, (PROFILING,)),
        ({"stage": "loyal"}, ()),
        ({"segment": "risky"}, (PROFILING,)),
        ({"not": {"segment": "risky"}}, (PROFILING,)),
        ({"segment": "buyers"}, ()),
        ({"count": "purchase", "at_least": 1}, ()),
    ],
)
def test_whoever_looks_at_the_risk_needs_profiling(when: dict[str, object], needs: tuple[str, ...]) -> None:
    """Directly, through a stage, through another segment, also to say that it is not so."""
    rules = [segment("risky", {"band": "high"}), segment("buyers", {"count": "purchase", "at_least": 1})]

    assert segment_needs([*rules, segment("s", when)])["s"] == needs
    assert segment_needs([*rules, segment("s", when, purpose=OUTREACH)])["s"] == (OUTREACH, *needs)
    assert alert_needs(alert(when=when), segment_needs(rules)) == (OUTREACH, *needs)
    assert alert_needs(alert(when=when, purpose=None), segment_needs(rules)) == needs
    assert alert_needs(alert(when=when, purpose=PROFILING), segment_needs(rules)) == (PROFILING,)


def test_an_alert_with_a_threshold_or_a_segment_of_risk_needs_profiling() -> None:
    """Whatever else it asks."""
    needs = {"risky": (PROFILING,), "buyers": ()}

    assert alert_needs(alert(threshold=0.5), needs) == (OUTREACH, PROFILING)
    assert alert_needs(alert(when={"stage": "new"}, segment="risky"), needs) == (OUTREACH, PROFILING)
    assert alert_needs(alert(when={"stage": "new"}, segment="buyers"), needs) == (OUTREACH,)


def test_segments_of_the_risk_end_and_the_others_stay() -> None:
    """An unknown risk is not a low one, and a segment for outreach counts as absent for those after it."""
    segments = compile_segments(
        [
            segment("buyers", {"count": "purchase", "at_least": 1}),
            segment("risky", {"band": "high"}),
            segment("safe", {"not": {"segment": "risky"}}),
            segment("reachable", {"count": "purchase", "at_least": 1}, purpose=OUTREACH),
            segment("called", {"segment": "reachable"}),
        ],
        "EUR",
    )
    profile = buyer(0)
    profile.score = RISKY

    assert segments.evaluate(profile, T0) == {"buyers", "risky", "reachable", "called"}
    profile.segments = {"risky": Stay(T0)}
    assert segments.evaluate(says(profile, profiling=False), T0) == {"buyers", "reachable", "called"}
    assert segments.evaluate(says(profile, outreach=False), T0) == {"buyers"}
    assert segments.evaluate(says(profile, profiling=True), T0) == {"buyers", "risky"}


def test_the_default_of_the_plan_holds_for_who_said_nothing() -> None:
    """And a word counts before it."""
    segments = compile_segments([segment("risky", {"band": "high"})], "EUR", Consent({PROFILING: False}))
    profile = buyer(0)
    profile.score = RISKY

    assert segments.evaluate(profile, T0) == set()
    assert segments.evaluate(says(profile, profiling=True), T0) == {"risky"}


@pytest.mark.parametrize("purpose", [OUTREACH, PROFILING])
def test_an_alert_ends_with_the_consent_and_says_so(purpose: str) -> None:
    """It ends once, and does not open again until it is allowed again and its cooldown is over."""
    alerts = compile_alerts([alert(threshold=0.7)], "EUR", ())
    profile = buyer(0)
    profile.score = RISKY

    def step(day: int) -> list[str]:
        found = alerts.decide(profile, T0 + day * DAY)
        profile.alerts.update((each.rule.name, each.alert) for each in found)
        return [each.action for each in found]

    assert step(0) == ["open"]
    says(profile, **{purpose: False})
    assert step(1) == ["clear"]
    assert (profile.alerts["a"].state, profile.alerts["a"].note) == ("cleared", f"consent withdrawn: {purpose}")
    assert step(30) == []
    says(profile, **{purpose: True})
    assert step(31) == ["open"]


def test_a_note_of_a_person_is_kept_when_an_alert_ends_without_consent() -> None:
    """Both are told."""
    alerts = compile_alerts([alert(threshold=0.7)], "EUR", ())
    profile = buyer(0)
    profile.score = RISKY
    [opened] = alerts.decide(profile, T0)
    opened.alert.state, opened.alert.note = "acknowledged", "called"
    profile.alerts["a"] = opened.alert
    [ended] = alerts.decide(says(profile, outreach=False), T0)

    assert ended.alert.note == "called; consent withdrawn: outreach"


def test_an_alert_that_needs_no_consent_stays() -> None:
    """`purpose: null` is for what serves the customer."""
    alerts = compile_alerts([alert(when={"count": "purchase", "at_least": 1}, purpose=None)], "EUR", ())

    assert [each.action for each in alerts.decide(says(buyer(0), outreach=False, profiling=False), T0)] == ["open"]


def test_what_a_score_left_on_alerts_is_forgotten() -> None:
    """Also on those that are over; a second time there is nothing left to forget."""
    alerts = compile_alerts([alert(threshold=0.7)], "EUR", ())
    profile = buyer(0)
    profile.score = RISKY
    [opened] = alerts.decide(profile, T0)
    profile.alerts["a"] = opened.alert

    [forgotten] = forget_risk(profile)
    assert profile.alerts["a"] is forgotten
    assert (forgotten.id, forgotten.state, forgotten.opened) == (opened.alert.id, "open", T0)
    assert (forgotten.risk, forgotten.model, forgotten.reasons) == (0.0, "", [])
    assert forget_risk(profile) == []
