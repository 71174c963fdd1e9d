"""What ranks customers: quantiles, RFM quintiles and clusters, their hysteresis, and a population snapshot that
changes."""

from __future__ import annotations

from itertools import product
from typing import Any

import msgspec
import pytest
from pydantic import TypeAdapter, ValidationError

from models.conditions.rules import AlertRule, SegmentRule
from models.conditions.tree import Condition
from models.population.measures import RECENCY
from models.population.snapshot import Cluster, PopulationSnapshot
from models.segments.alerts import compile_alerts
from models.segments.builtin import BUILTIN, LEARNED, VALUE, with_builtin
from models.segments.membership import Segments, compile_segments
from models.segments.purposes import segment_needs
from profiles.consent import PROFILING
from profiles.types import Profile, Score, Stay
from tests.build import DAY, T0, buyer

READ = TypeAdapter(Condition).validate_python

# Customers whose revenue is spread evenly from 0 to 100, whose last order is 1 to 99 days ago, with 1 to 10 orders.
EVEN = PopulationSnapshot(
    version=1,
    at=T0,
    customers=1000,
    edges={
        "revenue": [float(i) for i in range(1, 100)],
        "net": [float(i) for i in range(1, 100)],
        "recency": [float(i) for i in range(1, 100)],
        "orders": [float(1 + i // 10) for i in range(1, 100)],
        "risk": [i / 100 for i in range(1, 100)],
    },
)
CLUSTERED = msgspec.structs.replace(
    EVEN,
    version=2,
    scales=((0.0, 1.0),) * 3,
    clusters=[
        Cluster(id="1", name="lately", centre=(0.0, 1.0, 3.0)),
        Cluster(id="2", name="long ago", centre=(5.0, 1.0, 3.0)),
    ],
)


class Held:
    """The newest population snapshot, for segments that are compiled once."""

    def __init__(self, population: PopulationSnapshot) -> None:
        self.now = population

    def __call__(self) -> PopulationSnapshot:
        return self.now


def rule(when: Any, name: str = "a", **more: Any) -> SegmentRule:
    """A rule of a plan."""
    return SegmentRule.model_validate({"name": name, "when": when, **more})


def worth(revenue: float) -> Profile:
    """A customer with one order of this much."""
    return buyer(0.0, amount=round(revenue * 100))


def goes(segments: Segments, *profiles_at: tuple[Profile, float]) -> list[set[str]]:
    """The segments of one customer who becomes these profiles at these days, one after the other."""
    inside: dict[str, Stay] = {}
    seen = []
    for profile, day in profiles_at:
        profile.segments = inside
        found = segments.evaluate(profile, T0 + day * DAY)
        inside = {name: Stay(T0) for name in found}
        seen.append(found)
    return seen


@pytest.mark.parametrize(
    ("when", "inside", "outside"),
    [
        ({"quantile": "revenue", "top": 0.1}, [90.01, 500], [90, 0.01]),
        ({"quantile": "revenue", "bottom": 0.1}, [10, 0.01], [10.01, 500]),
        ({"quantile": "revenue", "at_least": 0.2, "at_most": 0.4}, [20.5, 40], [20, 40.5]),
        ({"quantile": "revenue", "at_least": 0.2, "bottom": 0.4}, [20.5, 40], [20, 40.5]),
        ({"not": {"quantile": "revenue", "top": 0.1}}, [90], [90.01]),
    ],
)
def test_a_quantile_is_a_place_among_all(when: Any, inside: list[float], outside: list[float]) -> None:
    """Who is at an edge counts to those below."""
    segments = compile_segments([rule(when)], "EUR", population=lambda: EVEN)

    for revenue in inside:
        assert segments.evaluate(worth(revenue), T0) == {"a"}, revenue
    for revenue in outside:
        assert segments.evaluate(worth(revenue), T0) == set(), revenue


def test_who_never_ordered_has_no_place_among_customers() -> None:
    """Neither at the top nor at the bottom."""
    rules = [rule({"quantile": "revenue", "bottom": 0.99}), rule({"rfm": {"recency": [1, 2, 3, 4]}}, "b")]

    assert compile_segments(rules, "EUR", population=lambda: CLUSTERED).evaluate(Profile("p"), T0) == set()


def test_the_top_tenth_is_left_below_the_top_eleven_and_a_half_percent() -> None:
    """A margin of 15 % of the share, not of the money."""
    segments = compile_segments([rule({"quantile": "revenue", "top": 0.1})], "EUR", population=lambda: EVEN)

    assert goes(segments, *((worth(x), 0) for x in (89, 91, 89, 88.6, 88.4, 89))) == [
        set(), {"a"}, {"a"}, {"a"}, set(), set()
    ]  # fmt: skip


def test_a_population_that_changes_moves_customers_once_and_by_the_margin() -> None:
    """The same customer under version after version, each of them twice: edges that flutter move nobody."""
    held = Held(EVEN)
    segments = compile_segments([rule({"quantile": "revenue", "top": 0.1})], "EUR", population=held)
    profile = worth(91)
    changes = []
    for version, factor in enumerate((1.0, 1.02, 1.0, 1.02, 1.05, 1.02, 1.0), start=2):
        held.now = msgspec.structs.replace(
            EVEN, version=version, edges={"revenue": [edge * factor for edge in EVEN.edges["revenue"]]}
        )
        for _ in range(2):
            inside = segments.evaluate(profile, T0)
            changes += [(segments.version, name, "in") for name in inside - profile.segments.keys()]
            changes += [(segments.version, name, "out") for name in profile.segments.keys() - inside]
            profile.segments = {name: Stay(T0) for name in inside}

    assert changes == [(2, "a", "in"), (6, "a", "out"), (8, "a", "in")]


@pytest.mark.parametrize("when", [{"quantile": "revenue", "top": 0.1}, {"not": {"quantile": "revenue", "top": 0.1}}])
@pytest.mark.parametrize("known", [PopulationSnapshot.empty(), msgspec.structs.replace(EVEN, edges={})])
def test_without_a_population_nobody_enters_and_nobody_leaves(when: Any, known: PopulationSnapshot) -> None:
    """Not even by what a rule says under `not`: a worker that has just started knows nobody's place."""
    segments = compile_segments([rule(when), rule({"segment": "a"}, "b")], "EUR", population=lambda: known)
    profile = worth(91)

    assert segments.evaluate(profile, T0) == set()
    profile.segments = {"a": Stay(T0)}
    assert segments.evaluate(profile, T0) == {"a", "b"}


@pytest.mark.parametrize(
    ("rfm", "inside", "outside"),
    [
        ({"recency": 5}, [0, 20], [20.1, 99]),
        ({"recency": "at least 4"}, [0, 40], [40.1]),
        ({"recency": [1]}, [80.1, 500], [80]),
        ({"recency": [1, 5]}, [0, 20, 80.1], [20.1, 80]),
        ({"recency": "below 3", "frequency": [1]}, [60.1], [60]),
        ({"recency": 5, "frequency": "at least 2"}, [], [0, 99]),
        ({"monetary": "at_most 2"}, [0, 99], []),
        ({"monetary": {"at_least": 3, "at_most": 4}}, [], [0, 99]),
    ],
)
def test_rfm_quintiles_count_recency_backwards(rfm: Any, inside: list[float], outside: list[float]) -> None:
    """Five is the best: the shortest silence, the most orders, the most money."""
    segments = compile_segments([rule({"rfm": rfm})], "EUR", population=lambda: EVEN)

    for day in inside:
        assert segments.evaluate(buyer(0.0), T0 + day * DAY) == {"a"}, day
    for day in outside:
        assert segments.evaluate(buyer(0.0), T0 + day * DAY) == set(), day


def test_a_quintile_is_left_by_a_share_of_it() -> None:
    """A fifth and 15 % of a fifth: from 20 to 23 days of silence."""
    segments = compile_segments([rule({"rfm": {"recency": 5}})], "EUR", population=lambda: EVEN)
    profile = buyer(0.0)

    assert goes(segments, *((profile, day) for day in (19, 22.9, 23.1, 22.9))) == [{"a"}, {"a"}, set(), set()]


def test_a_cluster_holds_until_another_is_clearly_nearer() -> None:
    """The centres are at 0 and 5; the middle is at 2.5, that is 11.2 days of silence."""
    rules = [rule({"cluster": 1}, "one", group="g"), rule({"cluster": "2"}, "two", group="g")]
    segments = compile_segments(rules, "EUR", population=lambda: CLUSTERED)
    profile = buyer(0.0)

    assert goes(segments, *((profile, day) for day in (0, 11, 12, 15, 12, 10, 8))) == [
        {"one"}, {"one"}, {"one"}, {"two"}, {"two"}, {"two"}, {"one"}
    ]  # fmt: skip


def test_a_cluster_that_is_gone_holds_nobody() -> None:
    """The next census may find fewer; before the first there are none, and nobody moves."""
    held = Held(CLUSTERED)
    segments = compile_segments([rule({"cluster": "1"}), rule({"cluster": "2"}, "b")], "EUR", population=held)
    profile = buyer(0.0)
    profile.segments = {"a": Stay(T0)}

    held.now = msgspec.structs.replace(CLUSTERED, clusters=CLUSTERED.clusters[1:])
    assert segments.evaluate(profile, T0) == {"b"}
    held.now = EVEN
    assert segments.evaluate(profile, T0) == {"a"}


def test_what_looks_at_the_risk_needs_profiling() -> None:
    """Also where it only ranks by it."""
    rules = [
        rule({"quantile": "risk", "top": 0.1}),
        rule({"quantile": "net_at_risk", "top": 0.1}, "b"),
        rule({"quantile": "net", "top": 0.1}, "c"),
    ]

    assert segment_needs(rules) == {"a": (PROFILING,), "b": (PROFILING,), "c": ()}


def test_an_alert_may_rank_too() -> None:
    """It opens past the edge, stands within the margin, and does neither without a population snapshot."""
    held = Held(EVEN)
    alerts = compile_alerts(
        [AlertRule.model_validate({"name": "r", "when": {"quantile": "risk", "top": 0.1}})], "EUR", (), population=held
    )
    profile = worth(10)

    def decides(risk: float) -> list[str]:
        profile.score = Score(risk, "high", T0, "m")
        found = alerts.decide(profile, T0)
        profile.alerts.update((transition.rule.name, transition.alert) for transition in found)
        return [transition.action for transition in found]

    assert decides(0.89) == []
    assert decides(0.91) == ["open"]
    assert decides(0.89) == []
    held.now = PopulationSnapshot.empty()
    assert decides(0.1) == []
    held.now = EVEN
    assert decides(0.88) == ["clear"]


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ({"quantile": "revenu", "top": 0.1}, "there is no measure 'revenu'"),
        ({"quantile": "revenue"}, "give a share"),
        ({"quantile": "revenue", "top": 0.001}, "greater than or equal to 0.01"),
        ({"quantile": "revenue", "top": 10}, "less than or equal to 0.99"),
        ({"quantile": "revenue", "top": 0.1, "at_least": 0.9}, "say the same"),
        ({"quantile": "revenue", "top": 0.1, "bottom": 0.1}, "the range ends before it begins"),
        ({"rfm": {}}, "give quintiles"),
        ({"rfm": {"recency": 6}}, "quintiles are 1 to 5"),
        ({"rfm": {"recency": "above 5"}}, "quintiles are 1 to 5"),
        ({"rfm": {"recency": []}}, "quintiles are 1 to 5"),
        ({"rfm": {"recensy": 1}}, "recensy"),
        ({"cluster": "a b"}, "pattern"),
        ({"cluster": 1, "risk": "above 0.5"}, "exactly one of"),
    ],
)
def test_what_cannot_be_ranked_is_refused(when: Any, said: str) -> None:
    """With the way to write it."""
    with pytest.raises(ValidationError, match=said):
        READ(when)


def test_the_value_segments_divide_all_who_ordered() -> None:
    """Each is in exactly one, whatever their silence and orders; the learned ones divide them as well."""
    segments = compile_segments(BUILTIN, "EUR", population=lambda: CLUSTERED)
    groups = {rule.name: rule.group for rule in BUILTIN}
    met = set()

    for silence, orders in product((0, 10, 25, 45, 65, 85, 200), range(1, 13)):
        found = segments.evaluate(buyer(*range(orders), amount=100), T0 + (orders - 1 + silence) * DAY)
        met |= found
        assert [groups[name] for name in found].count(VALUE) == 1, (silence, orders, found)
        assert [groups[name] for name in found].count(LEARNED) == 1

    assert met == {rule.name for rule in BUILTIN if rule.group == VALUE} | {"learned_1", "learned_2"}


def test_the_built_in_segments_know_the_best_and_the_lost() -> None:
    """By what their names say."""
    segments = compile_segments(BUILTIN, "EUR", population=lambda: EVEN)

    assert segments.evaluate(buyer(*range(9), amount=5000), T0 + 10 * DAY) == {"champions", "top_value"}
    assert segments.evaluate(buyer(*range(9), amount=100), T0 + 90 * DAY) == {"lapsing_loyal"}
    assert segments.evaluate(buyer(0.0, amount=100), T0 + 90 * DAY) == {"lost_one_timers"}
    assert segments.evaluate(Profile("p"), T0) == set()


def test_the_built_in_segments_follow_a_customer() -> None:
    """Their conditions do not overlap: a group keeps whoever may stay, and nobody may be kept from rising."""
    segments = compile_segments(BUILTIN, "EUR", population=lambda: EVEN)
    days: list[tuple[list[float], float]] = [
        ([0.0], 1), ([0.0], 50), ([0.0, 55.0], 56), ([0.0, 55.0, *range(60, 66)], 66),
        ([0.0, 55.0, *range(60, 66)], 95), ([0.0, 55.0, *range(60, 66), 96.0], 97),
        ([0.0, 55.0, *range(60, 66), 96.0], 190),
    ]  # fmt: skip

    seen = goes(segments, *((buyer(*orders, amount=100), day) for orders, day in days))

    assert [min(found - {"top_value"}) for found in seen] == [
        "new_one_timers", "cooling_one_timers", "potential_loyalists", "champions", "loyal_customers", "champions",
        "lapsing_loyal",
    ]  # fmt: skip


def test_a_rule_of_the_plan_takes_the_place_of_a_built_in_one() -> None:
    """At its own place, so that it may use what the plan lists before it."""
    own = [rule({"count": "purchase", "at_least": 9}, "champions")]

    names = [each.name for each in with_builtin(own)]

    assert names[-1] == "champions"
    assert sorted(names) == sorted(each.name for each in BUILTIN)


def test_who_gets_no_score_is_looked_at_again_all_the_same() -> None:
    """A rank moves with time and with the others; scores are what wakes the rest."""
    segments = compile_segments([rule({"quantile": RECENCY, "top": 0.1})], "EUR", population=lambda: EVEN)
    profile = buyer(0.0)

    assert segments.next_change(profile, T0 + DAY) == T0 + 2 * DAY
    assert segments.next_change(profile, T0 + 100 * DAY) == T0 + 110 * DAY
    profile.rescore_at = T0 + 5 * DAY
    assert segments.next_change(profile, T0 + DAY) is None
