import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from models.conditions.compiler import compile_condition, compile_crossings
from models.conditions.ranks import Ranks
from models.conditions.rules import SegmentRule
from models.conditions.tree import Condition
from models.durations import DAY
from models.population.snapshot import PopulationSnapshot
from models.segments.membership import compile_segments
from plan import load_plan
from profiles.errors import Misconfigured
from profiles.types import Profile, Score, Stay
from tests import REPOSITORY
from tests.build import T0, buyer, customer, event

READ = TypeAdapter(Condition).validate_python


def rule(when, name="a", **more):
    return SegmentRule.model_validate({"name": name, "when": when, **more})


def evaluate(segment, profile, now, inside):
    """Whether one rule lets in (or keeps in) a customer."""
    held, profile.segments = profile.segments, {segment.name: Stay(T0)} if inside else {}
    try:
        return segment.name in compile_segments([segment], "EUR").evaluate(profile, now)
    finally:
        profile.segments = held


def holds(when, profile, day=100.0):
    return evaluate(rule(when), profile, T0 + day * DAY, False)


def rich():
    profile = customer(
        event("purchase", 0, amount=30000), event("purchase", 40, amount=25000), event("refund", 41, amount=10000),
        event("visit", 90), event("visit", 99), event("ticket_opened", 95, subject="A"), event("csat", 96, rating=2.0),
        event("csat", 97, rating=3.0),
    )  # fmt: skip
    profile.traits = {"country": ("NL", T0, "m"), "seats": (12, T0, "m"), "gone": (None, T0, "m")}
    profile.identities = {"user_id": {"42": T0}}
    profile.score = Score(0.72, "medium", T0, "rules-1")
    profile.stage = "loyal"
    return profile


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"trait": "country", "is": "NL"}, True),
        ({"trait": "country", "in": ["BE", "DE"]}, False),
        ({"trait": "seats", "above": 10, "at_most": 12}, True),
        ({"trait": "country", "above": 10}, False),
        ({"trait": "gone", "exists": True}, False),
        ({"trait": "gone", "exists": False}, True),
        ({"identity": "user_id"}, True),
        ({"identity": "email"}, False),
        ({"count": "purchase", "at_least": 2}, True),
        ({"count": "never", "below": 1}, True),
        ({"sum": "revenue", "at_least": 550}, True),
        ({"sum": "revenue", "above": 550}, False),
        ({"sum": "net", "at_most": 450}, True),
        ({"sum": "refunds", "above": 99.99}, True),
        ({"sum": "items", "at_least": 2}, True),
        ({"decayed": "visit", "half_life": "2w", "at_least": 1.5}, True),
        ({"decayed": "never", "below": 0.1}, True),
        ({"since": "purchase", "more_than": "60d"}, True),
        ({"since": "purchase", "more_than": "61d"}, False),
        ({"since": "any", "less_than": "2d"}, True),
        ({"since": "never", "more_than": "1d"}, False),
        ({"not_done": "purchase", "for": "30d"}, True),
        ({"not_done": "never", "for": "30d"}, False),
        ({"not_done": "never", "for": "30d", "or_never": True}, True),
        ({"risk": "above 0.7"}, True),
        ({"band": "high"}, False),
        ({"band": ["medium", "high"]}, True),
        ({"stage": "loyal"}, True),
        ({"open_tickets": "at least 1"}, True),
        ({"opinion": "csat", "average": "below 3"}, True),
        ({"opinion": "csat", "last": "below 3"}, False),
        ({"opinion": "nps", "last": "below 3"}, False),
        ({"gap_ratio": "above 0.99"}, True),
        ({"not": {"band": "high"}}, True),
        ({"ratio": ["refunds", "revenue"], "above": 0.18}, True),
        ({"ratio": ["refunds", "revenue"], "above": 0.19}, False),
        ({"ratio": ["ticket_opened", "purchase"], "at_least": 0.5}, True),
        ({"ratio": ["never", "purchase"], "at_most": 0}, True),
        ({"ratio": ["purchase", "never"], "at_least": 0}, False),
        ({"all": [{"stage": "loyal"}, {"band": "high"}]}, False),
        ({"any": [{"stage": "loyal"}, {"band": "high"}]}, True),
    ],
)
def test_every_statement_about_a_profile(when, expected):
    assert holds(when, rich()) is expected


def test_an_unknown_customer_satisfies_no_measure():
    for when in (
        {"risk": "below 1"},
        {"band": "low"},
        {"gap_ratio": "above 0"},
        {"opinion": "csat", "last": "above 0"},
    ):
        assert not holds(when, Profile("x"))


def test_who_is_inside_leaves_only_past_the_margin():
    segment = rule({"risk": "at least 0.7"})
    profile = rich()

    def inside(risk, now_inside):
        profile.score = Score(risk, "medium", T0, "m")
        return evaluate(segment, profile, T0, now_inside)

    assert not inside(0.69, False)
    assert inside(0.70, False)
    assert inside(0.60, True)
    assert not inside(0.59, True)


def test_under_not_the_margin_turns_round():
    segment = rule({"not": {"risk": "at least 0.7"}}, margin=0.1)
    profile = rich()

    profile.score = Score(0.75, "medium", T0, "m")
    assert evaluate(segment, profile, T0, True)
    assert not evaluate(segment, profile, T0, False)
    profile.score = Score(0.78, "medium", T0, "m")
    assert not evaluate(segment, profile, T0, True)


def test_an_exit_condition_replaces_the_margin():
    segment = rule({"risk": "at least 0.7"}, exit={"risk": "below 0.3"})
    profile = rich()
    profile.score = Score(0.4, "low", T0, "m")

    assert evaluate(segment, profile, T0, True)
    assert not evaluate(segment, profile, T0, False)


def test_segments_may_speak_of_earlier_ones():
    segments = compile_segments(
        [rule({"sum": "revenue", "above": 500}, "vip"), rule({"all": [{"segment": "vip"}, {"band": "medium"}]}, "b")],
        "EUR",
    )

    assert segments.evaluate(rich(), T0 + 100 * DAY) == {"vip", "b"}
    assert segments.evaluate(buyer(0), T0) == set()


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([rule({"segment": "b"}), rule({"band": "high"}, "b")], "list that one before"),
        ([rule({"band": "high"}), rule({"band": "low"})], "twice"),
        ([rule({"band": "high"}, group="g"), rule({"segment": "a"}, "b", group="g")], "not in the same group"),
        (
            [rule({"band": "high"}, group="g"), rule({"band": "low"}, "b"), rule({"band": "low"}, "c", group="g")],
            "must follow one another",
        ),
    ],
)
def test_segments_that_cannot_be_computed_are_refused(rules, said):
    with pytest.raises(Misconfigured, match=said):
        compile_segments(rules, "EUR")


def test_of_a_group_at_most_one_holds_and_who_may_stay_does_not_change():
    """The first one of the plan for newcomers; by the margin, whoever is inside stays."""
    profile = rich()
    segments = compile_segments(
        [
            rule({"risk": "at least 0.7"}, "high", group="risk"),
            rule({"risk": "at least 0.4"}, "middle", group="risk"),
            rule({"not": {"risk": "at least 0.4"}}, "low", group="risk"),
        ],
        "EUR",
    )

    def goes(*risks):
        seen = []
        for risk in risks:
            profile.score = Score(risk, "medium", T0, "m")
            profile.segments = {name: Stay(T0) for name in segments.evaluate(profile, T0)}
            seen.append(*profile.segments)
        return seen

    assert goes(0.72, 0.61, 0.58, 0.72, 0.58, 0.35, 0.33, 0.45) == [
        "high", "high", "middle", "middle", "middle", "middle", "low", "low"
    ]  # fmt: skip


MOVING = [
    {"since": "purchase", "more_than": "30d"},
    {"since": "any", "less_than": "17h"},
    {"not_done": "visit", "for": "9d"},
    {"decayed": "visit", "half_life": "2w", "below": 0.31},
    {"decayed": "visit", "half_life": "8w", "at_least": 0.7},
    {"gap_ratio": "above 1.5"},
    {"all": [{"since": "purchase", "more_than": "30d"}, {"not": {"decayed": "visit", "above": 0.2}}]},
]


@given(
    st.sampled_from(MOVING),
    st.lists(st.tuples(st.sampled_from(["purchase", "visit"]), st.floats(0, 50)), max_size=6),
    st.floats(50, 200),
    st.booleans(),
)
def test_nothing_changes_before_the_foreseen_time(when, happened, day, inside):
    profile = customer(*(event(role, at) for role, at in happened))
    ranks = Ranks(PopulationSnapshot.empty, "EUR")
    holds = compile_condition(READ(when), "EUR", 0.15, ranks)
    now = T0 + day * DAY
    before = holds(profile, now, (), int(inside), [])

    then = compile_crossings([(READ(when), 0.15)]).next_change(profile, now)

    last = then if then is not None else now + 3000 * DAY
    for share in (0.25, 0.5, 0.999999):
        time = now + (last - 1.001 - now) * share
        if time > now:
            assert holds(profile, time, (), int(inside), []) == before
    assert then is None or then > now


def test_silence_turns_the_answer_at_the_foreseen_time():
    profile = customer(event("visit", 0))
    for when, crossings in (
        ({"since": "visit", "more_than": "30d"}, 30.0),
        ({"decayed": "visit", "half_life": "2w", "below": 0.25}, 28.0),
    ):
        segment = rule(when, margin=0.0)
        then = compile_segments([segment], "EUR").next_change(profile, T0 + DAY)
        assert then == pytest.approx(T0 + crossings * DAY, abs=2)
        assert not evaluate(segment, profile, T0 + DAY, False)
        assert evaluate(segment, profile, then, False)


def test_the_foreseen_time_of_all_rules_is_the_earliest():
    segments = compile_segments(
        [rule({"since": "visit", "more_than": "30d"}), rule({"since": "visit", "more_than": "9d"}, "b")], "EUR"
    )
    profile = customer(event("visit", 0))
    profile.segments = {"b": Stay(T0)}

    assert segments.next_change(profile, T0) == T0 + 9 * DAY
    assert segments.next_change(profile, T0 + 9 * DAY) == T0 + 30 * DAY
    assert segments.next_change(profile, T0 + 30 * DAY) is None


def test_who_is_lost_is_not_among_the_customers_to_look_after():
    """In the shipped plan: what somebody spent, or once said of us, stays; who has left does not wait for a call."""
    plan = load_plan(REPOSITORY / "tracking_plan.yaml")
    segments = compile_segments(plan.segments, plan.currency)
    profile = customer(event("purchase", 0, amount=90_000), event("csat", 1, rating=1.0), limits=plan.limits)
    asked = {"unhappy", "big_spender", "valuable"}

    for stage, inside in (("active", asked), ("churned", set())):
        profile.stage = stage
        assert segments.evaluate(profile, T0 + 2 * DAY) & asked == inside
