"""Conditions and alerts by a further definition of churn."""

from __future__ import annotations

import pytest

from models.conditions.compiler import compile_condition
from models.conditions.ranks import Ranks
from models.conditions.rules import AlertRule, SegmentRule
from models.conditions.tree import leaves
from models.conditions.vocabulary import Vocabulary
from models.population.snapshot import PopulationSnapshot
from models.segments.alerts import compile_alerts
from models.segments.purposes import looks_at_risk
from profiles.types import Churn, Profile, Score
from tests.build import T0

RANKS = Ranks(PopulationSnapshot.empty, "EUR")


def scored(own: float | None, cancels: float | None) -> Profile:
    profile = Profile("p", score=None if own is None else Score(own, "low", T0, "rules-2"))
    if cancels is not None:
        profile.churns = {"cancels": Churn(score=Score(cancels, "high" if cancels > 0.5 else "low", T0, "rules-2"))}
    return profile


@pytest.mark.parametrize("when", [{"band": "high", "churn": "cancels"}, {"risk": "above 0.5", "churn": "cancels"}])
def test_a_condition_asks_for_the_risk_of_the_definition_that_it_names(when: dict[str, str]) -> None:
    rule = SegmentRule.model_validate({"name": "a", "when": when})
    compiled = compile_condition(rule.when, "EUR", 0.15, RANKS)

    def holds(profile: Profile) -> bool:
        return bool(compiled(profile, T0, {}, 0, []))

    assert holds(scored(0.1, 0.9))
    assert not holds(scored(0.9, 0.1))
    assert not holds(scored(0.9, None))
    assert "churn risk (cancels)" in rule.when.in_words()
    (leaf,) = leaves(rule.when)
    nobody = Vocabulary((), {}, (), (), ())
    assert list(leaf.problems(nobody)) == ["churn is not defined as 'cancels'"]
    assert list(leaf.problems(Vocabulary((), {}, (), (), (), churns=["cancels"]))) == []
    assert leaf.looks_at_risk(())


def test_an_alert_opens_at_the_risk_of_its_definition_and_ends_below() -> None:
    rule = AlertRule.model_validate({"name": "a", "threshold": 0.7, "churn": "cancels", "purpose": None})
    alerts = compile_alerts([rule], "EUR", ())
    assert "churn risk (cancels) at least 0.7" in rule.in_words()
    assert looks_at_risk(rule, {})

    assert alerts.decide(scored(0.9, 0.6), T0) == []
    profile = scored(None, 0.8)
    (opened,) = alerts.decide(profile, T0)
    assert (opened.action, opened.alert.risk, opened.alert.model) == ("open", 0.8, "rules-2")
    profile.alerts["a"] = opened.alert
    assert alerts.decide(profile, T0 + 1) == []
    profile.churns = {"cancels": Churn(score=Score(0.1, "low", T0, "rules-2"))}
    (ended,) = alerts.decide(profile, T0 + 2)
    assert (ended.action, ended.alert.risk) == ("clear", 0.1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"when": {"band": "high"}, "churn": "cancels"}, "conditions name theirs"),
        ({"threshold": 0.5, "churn": "cancels", "score": "leaving"}, "of the plan's own churn"),
    ],
)
def test_a_churn_that_says_nothing_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AlertRule.model_validate({"name": "a", **wrong})
