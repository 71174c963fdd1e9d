import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from models.conditions.conditions import Condition, leaves

CONDITION = TypeAdapter(Condition)


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
