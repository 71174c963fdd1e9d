"""The census: percentiles against exact ones, what is left out, and the same answer however customers are split."""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest

from models.customer.journey import Wait
from models.population.census import EVERYBODY, SAMPLE, Census, Subject, Summary, edges, merge, waits
from models.population.measures import place
from profiles.consent import Consent
from profiles.traces.mementos import Memento, add_memento
from profiles.types import Activity, Profile, Purchases, Score, Stay, Tally, Traces
from tests.build import customer, event

DAY = 86400.0
NOW = 1_767_225_600.0
SUBJECT = Subject("EUR", Consent(), frozenset({"country"}), frozenset({"age"}))


def buyer(number: int, **parts: object) -> Profile:
    """A customer whose figures follow from a number."""
    rng = random.Random(number)
    profile = Profile(id=f"{number:022d}")
    orders = rng.randint(1, 20)
    last = NOW - rng.random() * 300 * DAY
    revenue = round(rng.lognormvariate(8, 1))
    profile.purchases = Purchases(
        orders, last - 50 * DAY, last, orders, {"EUR": revenue}, mix={rng.choice(("tea", "coffee")): orders}
    )
    profile.roles = {"purchase": Tally(orders, last - 50 * DAY, last)}
    profile.activity = {"web": Activity(3, last, last)}
    profile.traits = {"country": (rng.choice(("NL", "BE")), 1.0, b""), "age": (20 + number % 50, 1.0, b"")}
    profile.score = Score(rng.random(), rng.choice(("low", "high")), NOW, "rules-1")
    profile.segments = {"even": Stay(NOW)} if number % 2 == 0 else {}
    for name, value in parts.items():
        setattr(profile, name, value)
    return profile


def count(*profiles: Profile, subject: Subject = SUBJECT, now: float = NOW) -> Summary:
    """A census, through the bytes that the store holds."""
    census = Census(subject, now)
    for number, profile in enumerate(profiles):
        census.add(profile)
        if number % 100 == 0:
            census.settle()
    return msgspec.msgpack.decode(msgspec.msgpack.encode(census.summary()), type=Summary)


def what_is_exact(summary: Summary) -> object:
    """What must be the same to the last digit, sums of floats aside."""
    groups = {name: (sums.size, sums.marks, sums.categories) for name, sums in summary.groups.items()}
    return summary.customers, summary.uncounted, groups, summary.sample


def test_merged_percentiles_rank_as_all_customers_together_do() -> None:
    """Sixteen partitions, 8,000 customers: as exactly as in one pass over less than POINTS."""
    everybody = [buyer(number) for number in range(8000)]
    merged = merge([count(*everybody[start::16]) for start in range(16)])

    revenues = sorted(profile.purchases.revenue["EUR"] / 100 for profile in everybody)
    found = edges(merged)["revenue"]
    assert len(found) == 99
    for percent, edge in enumerate(found, start=1):
        rank = sum(revenue <= edge for revenue in revenues) / len(revenues)
        assert abs(rank - percent / 100) <= 0.001


def test_a_few_customers_are_ranked_exactly() -> None:
    """Below POINTS nothing is approximate."""
    found = edges(count(*(buyer(n, purchases=Purchases(1, NOW, NOW, 1, {"EUR": 100 * n})) for n in range(1, 101))))

    assert found["revenue"] == pytest.approx(list(range(1, 100)), abs=1)


def test_nobody_is_ranked_by_those_who_have_left() -> None:
    """Who ordered long ago is counted, but moves no percentile; who never ordered has not left."""
    here = [buyer(n, purchases=Purchases(1, NOW, NOW, 1, {"EUR": 100 * n})) for n in range(1, 101)]
    gone = [buyer(n, purchases=Purchases(9, 1.0, NOW - 31 * DAY, 9, {"EUR": 90_000})) for n in range(500, 900)]
    visitors = [buyer(n, purchases=Purchases(), roles={"visit": Tally(3, 1.0, NOW)}) for n in range(900, 950)]
    subject = msgspec.structs.replace(SUBJECT, active=30 * DAY)

    counted, alone = count(*here, *gone, *visitors, subject=subject), count(*here, *visitors, subject=subject)

    assert edges(counted) == edges(alone) != edges(count(*here, *gone, *visitors))
    assert len(edges(counted)["visits"]) == 99
    assert (counted.customers, counted.groups[EVERYBODY].figures["orders"].count) == (550, 500)


def test_the_split_over_partitions_makes_no_difference() -> None:
    """Sums, shares, percentiles and sample."""
    everybody = [buyer(number) for number in range(3000)]
    shuffled = random.Random(1).sample(everybody, len(everybody))

    whole = count(*everybody)
    parts = merge([count(*shuffled[start::7]) for start in range(7)])

    assert what_is_exact(parts) == what_is_exact(whole)
    assert edges(parts) == edges(whole)
    assert len(whole.sample) == SAMPLE
    for name, figure in whole.groups[EVERYBODY].figures.items():
        assert parts.groups[EVERYBODY].figures[name].total == pytest.approx(figure.total)


def test_the_sample_is_of_those_with_the_smallest_hashes() -> None:
    """So the next census draws the same customers."""
    everybody = [buyer(number) for number in range(6000)]
    drawn = dict(count(*everybody).sample)

    again = dict(count(*everybody[3:]).sample)
    assert len(drawn.keys() & again.keys()) >= SAMPLE - 3
    assert set(drawn.values()) <= {place(profile, NOW, "EUR") for profile in everybody}


def test_a_census_forgets_earlier_states() -> None:
    """Half a year later everybody's recency is half a year more, and no figure of now is left."""
    everybody = [buyer(number) for number in range(300)]
    now, later = edges(count(*everybody)), edges(count(*everybody, now=NOW + 180 * DAY))

    assert later["recency"] == pytest.approx([edge + 180 for edge in now["recency"]])
    assert later["revenue"] == now["revenue"]


def test_groups_are_counted_by_segment() -> None:
    """Everybody, and each segment by itself."""
    everybody = [buyer(number) for number in range(100)]
    groups = count(*everybody).groups

    assert {name: sums.size for name, sums in groups.items()} == {EVERYBODY: 100, "even": 50}
    countries = Counter(p.traits["country"][0] for p in everybody if p.segments)
    assert groups["even"].marks["trait:country"] == countries
    ages = [p.traits["age"][0] for p in everybody if p.segments]
    assert groups["even"].figures["trait:age"].total == sum(ages)


def test_a_tombstone_is_nobody() -> None:
    """A merged customer is counted where they are now."""
    assert count(buyer(1), Profile(id="gone", redirect="somebody")).customers == 1


def test_who_denies_profiling_is_in_nothing_about_the_risk() -> None:
    """Not in its quantiles, its means and bands, nor in the sample of learned segments."""
    denying = buyer(1, traits={"consent.profiling": (False, 1.0, b"")})
    summary = count(denying)

    base = summary.groups[EVERYBODY]
    assert base.size == 1
    assert "risk" not in summary.points
    assert "net_at_risk" not in summary.points
    assert not {"risk", "net_at_risk"} & base.figures.keys()
    assert "band" not in base.marks
    assert summary.sample == []
    assert "revenue" in summary.points


def test_who_denies_analytics_is_not_counted() -> None:
    """Only that they exist."""
    summary = count(buyer(1), buyer(2, traits={"consent.analytics": (False, 1.0, b"")}))

    assert (summary.customers, summary.uncounted) == (2, 1)
    assert summary.groups[EVERYBODY].size == 1
    assert "even" not in summary.groups


def test_only_named_traits_are_counted() -> None:
    """What the plan calls personal, or does not know, is in no summary."""
    summary = count(buyer(1, traits={"country": ("NL", 1.0, b""), "email": ("ada@example.com", 1.0, b"")}))

    assert b"ada@" not in msgspec.msgpack.encode(summary)
    assert "trait:email" not in summary.groups[EVERYBODY].marks


def test_a_trait_with_a_value_for_everybody_stays_small() -> None:
    """The most frequent values are kept, in all groups alike, and their counts are right."""
    profiles = [
        buyer(
            number, traits={"country": ("NL" if number % 4 == 0 else f"c{number}", 1.0, b"")}, segments={"all": Stay(1)}
        )
        for number in range(5000)
    ]
    summary = count(*profiles)

    marks = summary.groups[EVERYBODY].marks["trait:country"]
    assert len(marks) <= 64
    assert marks["NL"] == 1250
    assert summary.groups["all"].marks["trait:country"] == marks


def test_an_empty_partition_adds_nothing() -> None:
    """Nor does no partition at all."""
    assert edges(count()) == {}
    assert merge([]).customers == 0
    assert what_is_exact(merge([count(), count(buyer(1))])) == what_is_exact(count(buyer(1)))


def test_waits_of_the_journey_are_of_whoever_moved_on() -> None:
    """A hundred carts, each bought a number of days later from 1 to 100, in several partitions."""

    def moved(number: int) -> Profile:
        return customer(event("cart", 0), event("purchase", number, amount=100, subject="o"), id=f"{number:022d}")

    everybody = [moved(number) for number in range(1, 101)]
    found = waits(merge([count(*everybody[start::4]) for start in range(4)]))

    assert found == {"intend": Wait(100, pytest.approx(90.0))}
    assert waits(count(*everybody[:10], subject=Subject("EUR", Consent({"analytics": False})))) == {}
    # A step goes on until the silence of a session.
    assert waits(count(*everybody[:10], subject=Subject("EUR", session_gap=40 * DAY))) == found | {
        "intend": Wait(10, pytest.approx(9.0))
    }


def test_tags_of_what_is_bought_and_when_what_is_new_is_bought_first() -> None:
    """Thirty customers in several partitions; of a product that is launched on day 5, each buys a day later."""
    subject = Subject("EUR", tags={"a": ("vegan",), "b": ()}, launched={"b": 5})

    def bought(number: int) -> Profile:
        held = b""
        for each in (Memento(3, "a"), Memento(5 + number, "b"), Memento(6 + number, "b"), Memento(7, "unknown")):
            held = add_memento(held, "bought", each)
        return Profile(id=f"{number:022d}", traces=Traces(kept={"bought": held}))

    everybody = [bought(number) for number in range(30)]
    whole = merge([count(*everybody[start::4], subject=subject) for start in range(4)])

    assert whole.bought == {"": 90, "vegan": 30}
    assert whole.firsts == {"b": dict.fromkeys(range(30), 1)}
    assert merge([count(*everybody, subject=subject)]) == whole
    assert (count(*everybody).bought, count(*everybody).firsts) == ({}, {})
