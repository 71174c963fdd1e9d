import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from models.conditions import DEEPEST, Condition, leaves
from models.config import ChurnConfig
from models.durations import Duration
from models.rules import AlertRule, SegmentRule
from models.segments import compile_segments

CONDITION = TypeAdapter(Condition)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90d", 7776000), ("26w", 15724800), ("12h", 43200), ("30m", 1800), ("15s", 15), (60, 60)]
)
def test_durations_are_seconds(text, seconds):
    assert TypeAdapter(Duration).validate_python(text) == seconds


@pytest.mark.parametrize("text", ["90", "3 moons", "-1d", "0d", "", None, True, float("inf"), float("nan")])
def test_what_is_no_duration_is_refused_with_the_way_to_write_one(text):
    with pytest.raises(ValidationError, match="duration"):
        TypeAdapter(Duration).validate_python(text)


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


@pytest.mark.parametrize(
    "text",
    [
        "{trait: country, is: NL}",
        "{trait: country, in: [NL, BE]}",
        "{trait: seats, above: 10}",
        "{identity: user_id}",
        "{count: purchase, at_least: 3}",
        "{sum: revenue, at_least: 500.00, margin: 0.1}",
        "{decayed: visit, half_life: 8w, below: 0.5}",
        "{since: any, more_than: 30d, less_than: 60d}",
        "{not_done: purchase, for: 30d, or_never: true}",
        "{risk: above 0.7}",
        "{band: [medium, high]}",
        "{stage: loyal}",
        "{segment: vip}",
        "{open_tickets: at least 1}",
        "{gap_ratio: {above: 1.5, at_most: 4}}",
        "{opinion: csat, average: below 3}",
        "{count: ticket_opened, within: 30d, at_least: 3}",
        "{sum: revenue, within: 90d, above: 100}",
        "{ratio: [refunds, revenue], above: 0.3}",
        "{quantile: net, top: 0.1, margin: 0.2}",
        "{rfm: {recency: [4, 5], frequency: at least 4, monetary: 5}}",
        "{cluster: 2}",
        "{all: [{risk: above 0.7}, {not: {band: high}}, {any: [{stage: loyal}, {identity: email}]}]}",
    ],
)
def test_a_condition_reads_from_yaml_and_survives_json(text):
    condition = CONDITION.validate_python(yaml.safe_load(text))

    assert CONDITION.validate_json(CONDITION.dump_json(condition, by_alias=True, exclude_unset=True)) == condition


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{foo: 1}", "exactly one of"),
        ("3", "exactly one of"),
        ("{count: a, sum: revenue, above: 1}", "exactly one of"),
        ("{count: purchase}", "give a threshold"),
        ("{count: purchase, at_leest: 3}", "at_leest"),
        ("{risk: hmm}", "no comparison"),
        ("{risk: {}}", "give a threshold"),
        ("{decayed: visit, half_life: 3w, below: 1}", "half-lives of 2w and 8w"),
        ("{since: purchase}", "more_than or less_than"),
        ("{since: purchase, less_than: 3d, or_never: true}", "or_never"),
        ("{trait: country}", "one thing"),
        ("{trait: country, is: NL, exists: true}", "one thing"),
        ("{opinion: csat}", "last or average"),
        ("{all: []}", "at least 1 item"),
        ("{sum: revenue, above: .inf}", "finite"),
    ],
)
def test_a_wrong_condition_says_what_is_wrong(text, said):
    with pytest.raises(ValidationError, match=said):
        CONDITION.validate_python(yaml.safe_load(text))


def test_leaves_are_the_statements_of_a_condition():
    condition = CONDITION.validate_python({"all": [{"not": {"band": "high"}}, {"any": [{"stage": "new"}]}]})

    assert [type(leaf).__name__ for leaf in leaves(condition)] == ["Band", "Stage"]


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


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"role": "visit"}, "role must be purchase"),
        ({"horizon": "2w"}, "longer than horizon"),
        ({"label_horizon": "1h"}, "too short"),
        ({"bands": {"medium": 0.8, "high": 0.5}}, "below the high"),
        ({"horizons": "2w"}, "horizons"),
        ({"panel": 0}, "panel"),
        ({"hold_out": 0.7}, "hold_out"),
        ({"outages": [{"from": "2026-11-03T00:00:00Z", "to": "2026-11-02T00:00:00Z"}]}, "ends after it began"),
        ({"outages": [{"from": "2026-11-02T00:00:00", "to": "2026-11-03T00:00:00Z"}]}, "names no zone"),
        ({"outages": [{"from": "yesterday", "to": "2026-11-03T00:00:00Z"}]}, "is no time"),
    ],
)
def test_a_wrong_churn_configuration_says_what_is_wrong(wrong, said):
    with pytest.raises(ValidationError, match=said):
        ChurnConfig.model_validate(wrong)


def test_an_outage_is_read_and_written_as_people_write_times():
    config = ChurnConfig.model_validate(
        {"outages": [{"from": "2026-11-02T11:00:00+01:00", "to": "2026-11-03T00:00:00Z"}], "outage": None}
    )

    [outage] = config.model_dump(mode="json", by_alias=True)["outages"]
    assert outage == {"from": "2026-11-02T10:00:00Z", "to": "2026-11-03T00:00:00Z"}
    assert ChurnConfig.model_validate(config.model_dump(mode="json", by_alias=True)) == config
