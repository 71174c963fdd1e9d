import pytest
from pydantic import ValidationError

from models.conditions.rules import AlertRule, SegmentRule
from models.conditions.tree import DEEPEST
from models.segments.membership import compile_segments


@pytest.mark.parametrize("kind", ["all", "any", "not"])
def test_what_is_nested_too_deep_for_python_is_refused(kind):
    """And what is not can be compiled."""

    def nested(depth):
        condition = {"all": [{"quantile": "net", "top": 0.1}, {"opinion": "csat", "average": {"above": 1, "below": 3}}]}
        for _ in range(depth - 2):
            condition = {kind: condition if kind == "not" else [condition]}
        return {"name": "deep", "when": condition}

    compile_segments([SegmentRule.model_validate(nested(DEEPEST))], "EUR")
    with pytest.raises(ValidationError, match="nested 20 deep"):
        SegmentRule.model_validate(nested(DEEPEST + 1))


def test_rules_refuse_what_they_do_not_know():
    with pytest.raises(ValidationError, match="colour"):
        SegmentRule.model_validate({"name": "a", "when": {"band": "high"}, "colour": "red"})
    with pytest.raises(ValidationError, match="pattern"):
        SegmentRule.model_validate({"name": "Big Spenders", "when": {"band": "high"}})


def test_an_alert_needs_something_to_look_at_and_a_clear_level_below_its_threshold():
    with pytest.raises(ValidationError, match="threshold of the risk, or a condition"):
        AlertRule(name="a")
    with pytest.raises(ValidationError, match="below the threshold"):
        AlertRule(name="a", threshold=0.5, clear=0.6)

    assert AlertRule(name="a", threshold=0.8).clears_below == pytest.approx(0.68)
