import pytest

from models.conditions.compiler import compile_crossings
from models.conditions.rules import AlertRule
from models.durations import DAY
from models.segments.alerts import act, alert_id, compile_alerts
from profiles.errors import Misconfigured
from profiles.types import AlertCommand, Profile, Reason, Score, Stay
from tests.build import T0, buyer, customer, event


def rule(**more):
    return AlertRule.model_validate({"name": "a", "cooldown": "7d", **more})


def step(alerts, profile, day, risk=None):
    """One update of a profile, as the pipeline does it."""
    if risk is not None:
        profile.score = Score(risk, "x", T0 + day * DAY, "rules-1", [Reason("recency", 1.0, 9.0)])
    found = alerts.decide(profile, T0 + day * DAY)
    for transition in found:
        profile.alerts[transition.rule.name] = transition.alert
    return [transition.action for transition in found]


def test_the_life_of_an_alert():
    alerts = compile_alerts([rule(threshold=0.7, clear=0.5)], "EUR", ())
    profile = buyer(0)

    assert step(alerts, profile, 0, 0.69) == []
    assert step(alerts, profile, 1, 0.71) == ["open"]
    assert step(alerts, profile, 2, 0.90) == []
    assert step(alerts, profile, 3, 0.51) == []
    assert step(alerts, profile, 4, 0.49) == ["clear"]
    assert profile.alerts["a"].state == "cleared"
    assert step(alerts, profile, 5, 0.95) == []  # cooling down
    assert alerts.next_change(profile, T0 + 5 * DAY) == T0 + 11 * DAY
    assert step(alerts, profile, 11, 0.95) == ["open"]
    assert profile.alerts["a"].opened == T0 + 11 * DAY


def leaving(left, goes, risk=0.1):
    return Score(risk, "low", T0, "m", left=left, leaving=goes)


def test_an_alert_may_look_at_who_leaves_instead_of_the_risk():
    alerts = compile_alerts([rule(score="lost", threshold=0.6, clear=0.3)], "EUR", ())
    profile = buyer(0)
    said = [
        (leaving(0.2, 0.35), []),
        (leaving(0.35, 0.3), ["open"]),
        (leaving(0.2, 0.11), []),
        (leaving(0.2, 0.0), ["clear"]),
    ]

    for day, (score, action) in enumerate(said):
        profile.score = score
        assert step(alerts, profile, day) == action


@pytest.mark.parametrize(("score", "opens"), [("left", False), ("leaving", False), ("lost", True)])
def test_of_a_score_that_does_not_know_the_risk_decides_who_is_lost(score, opens):
    alerts = compile_alerts([rule(score=score, threshold=0.6)], "EUR", ())
    profile = buyer(0)

    assert step(alerts, profile, 1, 0.8) == ["open"] * opens
    profile.score = None
    assert step(alerts, profile, 2) == ["clear"] * opens


def test_an_alert_on_who_leaves_opens_for_nobody_who_is_held_out():
    alerts = compile_alerts([rule(score="leaving", threshold=0.2)], "EUR", (), hold_out=0.5)
    opened = []
    for number in range(40):
        profile = Profile(f"p{number}")
        profile.score = leaving(0.1, 0.5)
        opened.append(bool(step(alerts, profile, 1)))

    assert 0 < sum(opened) < 40


def test_an_alert_carries_what_it_was_raised_on():
    alerts = compile_alerts([rule(threshold=0.7)], "EUR", ())
    profile = buyer(0)
    step(alerts, profile, 1, 0.8)
    alert = profile.alerts["a"]

    assert (alert.risk, alert.model, alert.reasons) == (0.8, "rules-1", [Reason("recency", 1.0, 9.0)])
    assert alert.id == alert_id(profile.id, "a", T0 + DAY)


def test_deciding_twice_gives_the_same_alert():
    alerts = compile_alerts([rule(threshold=0.7)], "EUR", ())
    profile = buyer(0)
    profile.score = Score(0.8, "high", T0, "m")

    assert alerts.decide(profile, T0) == alerts.decide(profile, T0)


def test_silence_alone_raises_an_alert_and_an_event_ends_it():
    alerts = compile_alerts([rule(when={"not_done": "purchase", "for": "30d"})], "EUR", ())
    profile = buyer(0)

    assert step(alerts, profile, 1) == []
    assert compile_crossings(alerts.conditions).next_change(profile, T0 + DAY) == T0 + 30 * DAY
    assert step(alerts, profile, 30) == ["open"]
    back = buyer(0, 31)
    back.alerts = profile.alerts
    assert step(alerts, back, 31) == ["clear"]


def test_threshold_and_condition_together_and_only_members():
    alerts = compile_alerts([rule(threshold=0.7, when={"open_tickets": "at least 1"}, segment="vip")], "EUR", {"vip"})
    calm = buyer(0)
    calm.segments = {"vip": Stay(T0)}
    unhappy = customer(event("purchase", 0), event("ticket_opened", 1, subject="A"))

    assert step(alerts, calm, 2, 0.9) == []
    assert step(alerts, unhappy, 2, 0.9) == []
    unhappy.segments = {"vip": Stay(T0)}
    assert step(alerts, unhappy, 3, 0.9) == ["open"]
    unhappy.segments = {}
    assert step(alerts, unhappy, 4) == ["clear"]


def test_a_persons_decision_is_kept_and_repeats_change_nothing():
    alerts = compile_alerts([rule(threshold=0.7)], "EUR", ())
    profile = buyer(0)
    step(alerts, profile, 1, 0.9)

    def say(action, day, alert=None):
        command = AlertCommand(profile.id, alert or profile.alerts["a"].id, action, T0 + day * DAY, "kim", "called")
        changed = act(profile, command)
        if changed is not None:
            profile.alerts["a"] = changed
        return changed and changed.state

    assert say("acknowledge", 2) == "acknowledged"
    assert say("acknowledge", 2) is None
    assert step(alerts, profile, 3, 0.9) == []
    assert say("resolve", 4) == "resolved"
    assert say("acknowledge", 5) is None
    assert say("resolve", 5, "f" * 32) is None
    assert profile.alerts["a"].by == "kim"
    assert step(alerts, profile, 10.9, 0.9) == []
    assert step(alerts, profile, 11, 0.9) == ["open"]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([rule(threshold=0.7), rule(threshold=0.8)], "twice"),
        ([rule(threshold=0.7, segment="vip")], "does not have"),
        ([rule(when={"segment": "vip"})], "does not have"),
    ],
)
def test_alerts_that_cannot_be_decided_are_refused(rules, said):
    with pytest.raises(Misconfigured, match=said):
        compile_alerts(rules, "EUR", {"other"})
