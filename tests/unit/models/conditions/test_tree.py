import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from models.conditions.tree import Condition, leaves

CONDITION = TypeAdapter(Condition)


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
