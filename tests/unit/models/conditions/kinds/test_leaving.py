import pytest
from pydantic import TypeAdapter

from models.conditions.compiler import compile_condition
from models.conditions.ranks import Ranks
from models.conditions.tree import Condition, leaves
from models.population.snapshot import PopulationSnapshot
from profiles.types import Score
from tests.build import T0, buyer

RANKS = Ranks(PopulationSnapshot.empty, "EUR")


def holds(written, score, slack=0):
    condition = TypeAdapter(Condition).validate_python(written)
    profile = buyer(0)
    profile.score = score
    return compile_condition(condition, "EUR", 0.1, RANKS)(profile, T0, {}, slack, [])


KNOWN = Score(0.3, "low", T0, "m", left=0.5, leaving=0.2)
UNKNOWN = Score(0.65, "medium", T0, "m")


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ({"left": "above 0.4"}, True),
        ({"left": "above 0.5"}, False),
        ({"leaving": {"at_least": 0.2, "below": 0.3}}, True),
        ({"leaving": "above 0.2"}, False),
        ({"lost": "at least 0.7"}, True),
        ({"lost": "above 0.71"}, False),
        ({"not": {"lost": "above 0.71"}}, True),
    ],
)
def test_what_a_score_says_of_leaving_satisfies_conditions(written, answer):
    assert holds(written, KNOWN) is answer


def test_who_is_inside_leaves_by_the_margin():
    assert holds({"lost": "above 0.75"}, KNOWN, slack=1)
    assert not holds({"lost": "above 0.75"}, KNOWN)
    assert not holds({"lost": "above 0.75", "margin": 0}, KNOWN, slack=1)


@pytest.mark.parametrize("written", [{"left": "below 1"}, {"leaving": "below 1"}])
def test_a_score_that_does_not_know_satisfies_nothing(written):
    assert not holds(written, UNKNOWN)
    assert not holds(written, None)


def test_of_a_score_that_does_not_know_who_is_lost_is_a_matter_of_the_risk():
    assert holds({"lost": "above 0.6"}, UNKNOWN)
    assert not holds({"lost": "above 0.7"}, UNKNOWN)
    assert not holds({"lost": "above 0.1"}, None)


@pytest.mark.parametrize("key", ["left", "leaving", "lost"])
def test_it_needs_profiling_as_the_risk_does(key):
    [leaf] = leaves(TypeAdapter(Condition).validate_python({key: "above 0.5"}))

    assert leaf.looks_at_risk(())
