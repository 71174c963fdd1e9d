"""Every kind of condition keeps the same promises: a new one is tried by its examples as soon as it is listed."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache, reduce
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from models.conditions import kinds
from models.conditions.compiler import Holds, compile_condition, compile_crossings
from models.conditions.crossings import MOMENT
from models.conditions.kind import Kind
from models.conditions.kinds import KINDS
from models.conditions.ranks import Ranks
from models.conditions.tree import Condition, leaves, measures_of, narrowed_in, segments_of, windows
from models.conditions.vocabulary import Vocabulary
from models.conditions.where import meets
from models.durations import DAY
from models.population.measures import MEASURES
from models.population.snapshot import Cluster, PopulationSnapshot
from profiles.companies.days import note_day
from profiles.companies.team import count_team
from profiles.state import Limits, apply
from profiles.times import rfc3339
from profiles.types import Company, Part, Profile, Score, Team, Terms
from tests import REPOSITORY
from tests.build import T0, event

READ: TypeAdapter[Kind] = TypeAdapter(Condition)
EXAMPLES = [text for kind in KINDS for text in kind.examples]
MARGIN = 0.15


def clusters_at(two: float, a: float) -> list[Cluster]:
    """The clusters of the examples, with their centres at these silences."""
    return [Cluster(id=id_, name=id_, centre=(at, 1.0, 3.0)) for id_, at in (("2", two), ("a", a))]


EVEN = PopulationSnapshot(
    version=1, at=T0, customers=1000, edges={name: [float(i) for i in range(1, 100)] for name in MEASURES},
    scales=((0.0, 1.0),) * 3, clusters=clusters_at(1.0, 4.0),
)  # fmt: skip
UNEVEN = msgspec.structs.replace(
    EVEN, version=2, edges={name: [edge / 50 for edge in edges] for name, edges in EVEN.edges.items()},
    clusters=clusters_at(4.0, 1.0),
)  # fmt: skip

Happened = list[tuple[str, float]]
HAPPENED = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "purchase",
                "visit",
                "cart",
                "refund",
                "ticket_opened",
                "ticket_solved",
                "csat",
                "nps",
                "subscription_start",
                "subscription_renew",
                "subscription_change",
                "subscription_cancel",
            ]
        ),
        st.floats(0, 50),
    ),
    max_size=8,
)


@cache
def read(text: str) -> Kind:
    """A condition of YAML, as a plan has it."""
    return READ.validate_python(yaml.safe_load(text))


def person(condition: Kind, happened: Happened, risk: float | None = None) -> Profile:
    """A profile that keeps what a condition needs, of (role, day)."""
    profile = Profile("p")
    for role, day in happened:
        # Some of them in shoes, from a telephone.
        context = {"device": {"type": "ios"}, "os": {"name": "iOS"}, "locale": "nl-NL"} if day % 3 < 1 else {}
        given = event(role, day, amount=1000, subject="A", rating=day % 5)
        if role.startswith("subscription"):  # of some only one figure is told
            given.terms = [Terms(given.time + (day % 40) * DAY, "year", int(day), int(day) * 4000), Terms(seats=20)][
                day % 5 < 1
            ]
        given.properties, given.context = {"category": "shoes" if day % 2 < 1 else "hats"}, context
        limits = Limits(windows=windows([condition]), narrowed=meets(narrowed_in([condition])))
        apply(profile, given, "EUR", limits)
    profile.traits = {"country": ("NL", T0, b"m"), "seats": (12, T0, b"m")}
    profile.traits |= {"since": (T0 + 45 * DAY, T0, b"m"), "contract_ends": (rfc3339(T0 + 95 * DAY), T0, b"m")}
    profile.stage = "loyal"
    profile.identities = {"user_id": {"42": T0}}
    if condition.of_companies():
        profile.company = Company("company", "acme", team=team(happened))
    scored(profile, risk)
    return profile


def team(happened: Happened) -> Team:
    """Three members of a company, who did some of it each."""
    members = (happened[0::3], happened[1::3], happened[2::3])
    days = [reduce(note_day, [T0 + day * DAY for _, day in some], b"") for some in members]
    used = [{"reports": int(T0 + some[-1][1] * DAY)} if some else {} for some in members]
    return count_team([Part(T0, 0, Profile("", used=use), days=each) for each, use in zip(days, used, strict=True)])


def scored(profile: Profile, risk: float | None) -> None:
    """Give it a risk and its band."""
    band: Any = None if risk is None else "high" if risk > 0.75 else "medium" if risk > 0.5 else "low"
    profile.score = None if risk is None else Score(risk, band, T0, "m")


def holds(text: str, profile: Profile, now: float, slack: int, population: PopulationSnapshot = EVEN) -> bool:
    """Whether a condition is true of a member of the segment `vip`."""
    compiled, ranks = compiled_for(text, population.version)
    held.now = population
    return compiled(profile, now, {"vip"}, slack, ranks.limits())


class Held:
    """The population snapshot of the moment."""

    now = EVEN


held = Held()


@cache
def compiled_for(text: str, version: int) -> tuple[Holds, Ranks]:
    """A condition, compiled once for each population."""
    ranks = Ranks(lambda: held.now, "EUR")
    return compile_condition(read(text), "EUR", MARGIN, ranks), ranks


def test_every_kind_is_listed() -> None:
    """What is not in the list no plan can say."""
    defined = {
        found
        for module in pkgutil.iter_modules(kinds.__path__)
        for found in vars(importlib.import_module(f"{kinds.__name__}.{module.name}")).values()
        if isinstance(found, type)
        and issubclass(found, Kind)
        and found is not Kind
        and not found.__name__.startswith("_")
    }

    assert defined == set(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
def test_the_guide_shows_the_first_example(kind: type[Kind]) -> None:
    """What nobody can find nobody uses; those that join others are told by their keys."""
    guide = (REPOSITORY / "docs" / "tracking-plan.md").read_text()

    assert (f"`{kind.examples[0]}`" if not read(kind.examples[0]).parts() else f"`{{{kind.key}: ") in guide


@pytest.mark.parametrize("text", EXAMPLES)
def test_it_reads_from_yaml_and_survives_json(text: str) -> None:
    """The same condition comes back."""
    condition = read(text)

    assert text.startswith(f"{{{condition.key}: ")
    assert READ.validate_json(READ.dump_json(condition, by_alias=True, exclude_unset=True)) == condition


def test_each_says_something_else() -> None:
    """In words, without a trace of Python."""
    words = [read(text).in_words() for text in EXAMPLES]

    assert len(set(words)) == len(words)
    assert [said for said in words if not said or any(sign in said for sign in ("=", "None", "True", "["))] == []


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_plan_is_asked_for_every_name(text: str) -> None:
    """Where it declares all of them nothing is wrong; where it declares none, each is a problem."""
    condition, every = read(text), ("country", "seats", "since", "contract_ends", "user_id", "email", "vip")
    roles = {role for leaf in leaves(condition) for role in leaf.roles()} - {"any"}

    for leaf in leaves(condition):
        named = [*(set(leaf.roles()) & roles), *leaf.segments()]
        named += [value for value in leaf.model_dump().values() if isinstance(value, str) and value in every]
        assert list(leaf.problems(Vocabulary(roles, dict.fromkeys(every, ()), every, every, every))) == []
        problems = list(leaf.problems(Vocabulary((), {}, (), (), ())))
        assert [name for name in named if not any(f"'{name}'" in problem for problem in problems)] == []


@pytest.mark.parametrize("text", EXAMPLES)
@settings(max_examples=30, deadline=None)  # of each of some fifty conditions
@given(HAPPENED, st.floats(0, 1), st.floats(50, 100))
def test_who_is_inside_is_never_held_to_more(text: str, happened: Happened, risk: float, day: float) -> None:
    """A margin eases for members and tightens under `not`, and does so of nothing else."""
    condition = read(text)
    profile, now = person(condition, happened, risk), T0 + day * DAY

    tightened, plain, eased = (holds(text, profile, now, slack) for slack in (-1, 0, 1))

    assert [type(answer) for answer in (tightened, plain, eased)] == [bool] * 3
    assert tightened <= plain <= eased


@pytest.mark.parametrize("text", EXAMPLES)
@settings(max_examples=30, deadline=None)  # of each of some fifty conditions
@given(HAPPENED, st.floats(50, 80), st.sampled_from([-1, 0, 1]))
def test_time_turns_it_at_the_told_times_only(text: str, happened: Happened, day: float, slack: int) -> None:
    """A customer who is looked at just then is right all the time. Ranks move with the others and are told roughly."""
    condition = read(text)
    if any(measures_of(condition)):
        return
    profile, crossings = person(condition, happened, 0.6), compile_crossings([(condition, MARGIN)])
    now = T0 + day * DAY
    for _ in range(400 if condition.of_companies() else 40):  # whose members are counted by days
        before, then = holds(text, profile, now, slack), crossings.next_change(profile, now)
        for time in (now + 400 * DAY,) if then is None else (now + (then - now) / 2, then - 1.001 * MOMENT):
            assert time < now or holds(text, profile, time, slack) == before
        if then is None:
            return
        assert then > now
        now = then
    raise AssertionError("it never comes to rest")


@pytest.mark.parametrize("text", EXAMPLES)
@settings(max_examples=30, deadline=None)  # of each of some fifty conditions
@given(HAPPENED, st.floats(0, 1), st.floats(0, 1))
def test_it_tells_what_it_looks_at(text: str, happened: Happened, risk: float, other: float) -> None:
    """Consent is asked for what looks at the risk, and a rule waits for the population snapshot that it asks."""
    condition, now = read(text), T0 + 60 * DAY
    profile = person(condition, happened, risk)
    answer, among_others = holds(text, profile, now, 0), holds(text, profile, now, 0, UNEVEN)
    scored(profile, other)

    if holds(text, profile, now, 0) != answer:
        assert any(leaf.looks_at_risk(()) for leaf in leaves(condition))
    if among_others != answer:
        assert any(measures_of(condition))
    if any(measures_of(condition)):
        assert not holds(text, profile, now, 0, PopulationSnapshot.empty())
        assert holds(text, profile, now, 1, PopulationSnapshot.empty())
    if segments_of(condition):
        assert any(leaf.looks_at_risk(segments_of(condition)) for leaf in leaves(condition))
