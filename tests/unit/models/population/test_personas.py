"""Personas on bases that are built so that the answer is known."""

from __future__ import annotations

import random

import pytest

from models.population.census import Census, Subject, Summary
from models.population.personas import HISTORY, Persona, personas
from profiles.types import Activity, Profile, Purchases, Score, Stay

NOW = 1_767_225_600.0
DAY = 86400.0


def customer(number: int, **traits: object) -> Profile:
    profile = Profile(id=f"{number:022d}")
    profile.traits = {name: (value, 1.0, b"") for name, value in traits.items()}
    profile.activity = {"web": Activity(1, NOW, NOW)}
    profile.stage = "active"
    return profile


def census(*profiles: Profile, traits: str = "country colour") -> Summary:
    counted = Census(Subject("EUR", categories=frozenset(traits.split()), numbers=frozenset({"age"})), NOW)
    for profile in profiles:
        counted.add(profile)
    return counted.summary()


def described(*profiles: Profile) -> dict[str, Persona]:
    return personas(census(*profiles), 1, ["vip", "empty"], {})


def test_what_is_built_in_is_found_and_noise_is_not() -> None:
    """A segment of 200 in a base of 2,000: 60 % Belgian against 20 %, colours at random."""
    rng = random.Random(4)
    profiles = []
    for number in range(2000):
        vip = number < 200
        belgian = number % 10 < 6 if vip else number % 45 < 7
        profile = customer(number, country="BE" if belgian else "NL", colour=f"c{rng.randrange(40)}")
        profile.segments = {"vip": Stay(NOW)} if vip else {}
        profiles.append(profile)
    found = described(*profiles)["vip"]

    marks = {(mark.kind, mark.value): mark for mark in found.marks}
    assert marks.keys() == {("trait:country", "BE"), ("trait:country", "NL")}
    belgian = marks["trait:country", "BE"]
    assert belgian.members == 120
    assert belgian.share == 0.6
    assert belgian.base == pytest.approx(0.2, abs=0.002)
    assert belgian.lift == pytest.approx(3.0, abs=0.05)
    assert 1 < belgian.low < belgian.lift < belgian.high
    assert marks["trait:country", "NL"].lift == pytest.approx(0.5, abs=0.01)
    assert found.marks[0] is belgian


def test_what_a_rule_asks_for_is_told_last() -> None:
    """All members are churned and have the country that the segment is of: nobody learns anything from that."""
    profiles = []
    for number in range(1000):
        inside = number < 200
        profile = customer(number, country="BE" if inside else "NL", colour="red" if number % 3 and inside else "blue")
        profile.stage = "churned" if inside and number % 20 else "active"
        profile.segments = {"vip": Stay(NOW)} if inside else {}
        profiles.append(profile)

    marks = [(mark.kind, mark.value) for mark in described(*profiles)["vip"].marks]

    assert {("stage", "churned"), ("trait:country", "BE")} <= set(marks[2:])
    assert {kind for kind, _ in marks[:2]} == {"trait:colour"}


@pytest.mark.parametrize("seed", range(5))
def test_a_random_segment_has_no_traits_of_its_own(seed: int) -> None:
    """Forty colours and four countries, 150 members drawn at random: nothing is told."""
    rng = random.Random(seed)
    profiles = []
    for number in range(1500):
        profile = customer(number, country=rng.choice(("NL", "BE", "DE", "FR")), colour=f"c{rng.randrange(40)}",
                           age=rng.randint(18, 80))  # fmt: skip
        profile.segments = {"vip": Stay(NOW)} if rng.random() < 0.1 else {}
        profiles.append(profile)

    found = described(*profiles)["vip"]
    assert found.marks == []
    assert found.contrasts == []


def test_a_handful_of_members_proves_nothing() -> None:
    """Four of four are Belgian, among few: not told."""
    profiles = [customer(number, country="BE" if number < 20 else "NL") for number in range(400)]
    for profile in profiles[:4]:
        profile.segments = {"vip": Stay(NOW)}

    assert described(*profiles)["vip"].marks == []


def test_value_risk_and_categories() -> None:
    """Sums and means of the members; risk and bands of those who are scored."""
    rich, poor = customer(1, age=30), customer(2, age=40)
    rich.purchases = Purchases(4, NOW - DAY, NOW, 8, {"EUR": 50_000}, {"EUR": 10_000}, mix={"coffee": 3, "tea": 1})
    rich.score = Score(0.9, "high", NOW, "rules-1")
    for profile in (rich, poor):
        profile.segments = {"vip": Stay(NOW), "also": Stay(NOW)}
    found = described(rich, poor, customer(3))

    vip = found["vip"]
    assert (vip.size, vip.share, vip.buyers) == (2, pytest.approx(2 / 3), 1)
    assert (vip.revenue, vip.net, vip.orders) == (500.0, 400.0, 4.0)
    assert (vip.risk, vip.scored, vip.bands) == (0.9, 1, {"high": 1.0})
    assert vip.categories == {"coffee": 0.75, "tea": 0.25}
    assert vip.overlaps == {"also": 1.0}
    assert vip.stages == {"active": 1.0}
    assert found[""].size == 3
    assert found["empty"].size == 0
    assert found["empty"].risk is None


def test_means_that_differ_are_told() -> None:
    """Members are 30 years younger."""
    rng = random.Random(1)
    profiles = [
        customer(number, age=rng.randint(20, 30) if number < 100 else rng.randint(40, 70)) for number in range(900)
    ]
    for profile in profiles[:100]:
        profile.segments = {"vip": Stay(NOW)}

    (contrast,) = described(*profiles)["vip"].contrasts
    assert contrast.name == "trait:age"
    assert contrast.mean == pytest.approx(25, abs=1)
    assert contrast.apart < -1


def test_the_trend_is_of_the_censuses_before() -> None:
    """The last thirty, and this one."""
    held: dict[str, Persona] = {}
    for version in range(1, 41):
        profiles = [customer(number) for number in range(40)]
        for profile in profiles[:version]:
            profile.segments = {"vip": Stay(NOW)}
        held = personas(census(*profiles), version, ["vip"], held)

    trend = held["vip"].trend
    assert [point.version for point in trend] == list(range(40 - HISTORY, 41))
    assert [point.size for point in trend] == list(range(40 - HISTORY, 41))
    assert held["vip"].size == 40


def test_nobody_at_all() -> None:
    """Before the first customer."""
    assert described()["vip"].size == 0
    assert described()[""].share == 0.0
