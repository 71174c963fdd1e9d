"""`where`: which events of a role are meant, and that a profile counts them in any order, merged or not."""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from models.conditions.compiler import compile_condition
from models.conditions.kind import Kind
from models.conditions.kinds import KINDS
from models.conditions.ranks import Ranks
from models.conditions.tree import Condition, narrowed_in, windows
from models.conditions.where import Part, Where, meets, narrowing
from models.durations import DAY
from models.population.snapshot import PopulationSnapshot
from profiles.merge import merge
from profiles.state import Limits, apply
from profiles.types import Event, Profile
from streams.records.happened import read_record
from tests.build import T0, event

READ = TypeAdapter(Condition).validate_python
READ_WHERE = TypeAdapter(Where).validate_python
KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) {KHTML} Version/17.1 Mobile/15E148 Safari/604.1"
IPAD = f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {KHTML} CriOS/119.0.6045.109 Mobile/15E148 Safari/604.1"
PIXEL = f"Mozilla/5.0 (Linux; Android 13; Pixel 6) {KHTML} Chrome/119.0.0.0 Mobile Safari/537.36"
TABLET = f"Mozilla/5.0 (Linux; Android 13; SM-T970) {KHTML} Chrome/119.0.0.0 Safari/537.36"
EDGE = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KHTML} Chrome/120.0.0.0 Safari/537.36 Edg/120.0"
MAC = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {KHTML} Version/17.1 Safari/605.1.15"
TABLET_PC = "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; SLCC2; Tablet PC 2.0)"
SATURDAY = datetime(2026, 3, 7, 23, 30, tzinfo=UTC).timestamp()  # where it is Sunday in Amsterdam


def holds(when: Any, profile: Profile, now: float = T0 + 90 * DAY) -> bool:
    ranks = Ranks(PopulationSnapshot.empty, "EUR")
    return compile_condition(READ(when), "EUR", 0.15, ranks)(profile, now, (), 0, [])


def limits_of(*conditions: Any) -> Limits:
    held = [READ(condition) for condition in conditions]
    parts = frozenset(narrowing(role, where) for role, where in narrowed_in(held))
    return Limits(windows=windows(held), narrowed=meets(narrowed_in(held)), parts=parts)


def seen(properties: Any = None, context: Any = None, day: float = 0.0, time: float | None = None) -> Event:
    """A view, as the profiles' worker reads it: properties and context still in their bytes."""
    made = event("view", day, id=f"{day}")
    made.properties, made.context, made.time = properties or {}, context or {}, made.time if time is None else time
    return read_record(msgspec.msgpack.encode(made))  # type: ignore[return-value]


def counts(where: str, viewed: Event) -> bool:
    when = {"count": "view", "where": yaml.safe_load(where), "at_least": 1}
    profile = Profile("p")
    apply(profile, viewed, "EUR", limits_of(when))
    return holds(when, profile)


@pytest.mark.parametrize(
    ("where", "properties", "expected"),
    [
        ("{category: shoes}", {"category": "shoes"}, True),
        ("{category: shoes}", {"category": "hats"}, False),
        ("{category: shoes}", {}, False),
        ("{category: shoes}", {"category": None}, False),
        ("{category: shoes}", {"category": {"shoes": 1}}, False),
        ("{category: [shoes, hats]}", {"category": "hats"}, True),
        ("{tags: sale}", {"tags": ["new", "sale"]}, True),
        ("{price: {above: 100}}", {"price": 100.5}, True),
        ("{price: {above: 100}}", {"price": "200"}, False),
        ("{price: {above: 100, at_most: 150}}", {"price": 151}, False),
        ("{size: 42}", {"size": 42.0}, True),
        ("{size: 1}", {"size": True}, False),
        ("{sale: true}", {"sale": True}, True),
        ("{sale: true}", {"sale": 1}, False),
        ("{'products[].category': shoes}", {"products": [{"category": "hats"}, {"category": "shoes"}]}, True),
        ("{'products[].category': shoes}", {"products": [{"category": "hats"}, 7, []]}, False),
        ("{deep.er: 1}", {"deep": {"er": 1}}, True),
        ("{properties.device: mobile}", {"device": "mobile"}, True),
        ("{category: shoes, price: {below: 9}}", {"category": "shoes", "price": 8}, True),
        ("{category: shoes, price: {below: 9}}", {"category": "shoes", "price": 9}, False),
    ],
)
def test_by_a_property(where: str, properties: Any, expected: bool) -> None:
    assert counts(where, seen(properties)) is expected


@pytest.mark.parametrize(
    ("where", "context", "expected"),
    [
        ("{device: mobile, browser: Safari, os: iOS}", {"userAgent": IPHONE}, True),
        ("{device: tablet, browser: Chrome, os: iOS}", {"userAgent": IPAD}, True),
        ("{device: mobile, browser: chrome, os: ANDROID}", {"userAgent": PIXEL}, True),
        ("{device: tablet, browser: chrome}", {"userAgent": TABLET}, True),
        ("{device: desktop, browser: [Firefox, Edge], os: Windows}", {"userAgent": EDGE}, True),
        ("{device: desktop, browser: Safari, os: macOS}", {"userAgent": MAC}, True),
        ("{os: Mac OS X}", {"userAgent": MAC}, True),
        ("{device: desktop}", {"userAgent": TABLET_PC}, True),
        (
            "{device: tablet}",
            {"userAgent": "Mozilla/5.0 (Android 13; Tablet; rv:109.0) Gecko/119.0 Firefox/119.0"},
            True,
        ),
        ("{device: mobile}", {"userAgent": PIXEL.replace("Pixel 6", "HTC TVX")}, True),
        ("{device: tv}", {"userAgent": f"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) {KHTML} SamsungBrowser/4.0"}, True),
        ("{device: tv}", {"userAgent": "AppleTV11,1/16.1"}, True),
        ("{browser: Chrome}", {"userAgent": EDGE}, False),
        ("{device: mobile}", {"device": {"type": "android"}}, True),
        ("{device: tablet}", {"device": {"type": "ios", "model": "iPad13,8"}, "os": {"name": "iPadOS"}}, True),
        ("{os: iOS}", {"os": {"name": "iPadOS"}}, True),
        ("{device: desktop}", {}, False),
        ("{device: desktop}", {"userAgent": "", "device": [], "os": 7}, False),
        ("{campaign: Spring Sale}", {"campaign": {"name": "spring sale"}}, True),
        ("{campaign: spring}", {"campaign": {"name": ["autumn"]}}, False),
        ("{context.campaign.source: news}", {"campaign": {"source": "news"}}, True),
        ("{country: NL}", {"location": {"country": "nl"}, "locale": "de-DE"}, True),
        ("{country: [BE, NL]}", {"locale": "nl_BE"}, True),
        ("{country: NL}", {"locale": "nl"}, False),
        ("{source: web}", {}, True),
        ("{source: app}", {}, False),
    ],
)
def test_by_the_client(where: str, context: Any, expected: bool) -> None:
    assert counts(where, seen(context=context)) is expected


@pytest.mark.parametrize(
    ("where", "context", "expected"),
    [
        ("{weekday: saturday}", {}, True),
        ("{weekday: [sat, sun]}", {"timezone": "Europe/Amsterdam"}, True),
        ("{weekday: Sat}", {"timezone": "Europe/Amsterdam"}, False),
        ("{weekday: sun, timezone: Europe/Amsterdam}", {"timezone": "America/New_York"}, True),
        ("{hour: {at_least: 18}}", {}, True),
        ("{hour: 0}", {"timezone": "Europe/Amsterdam"}, True),
        ("{hour: [18, 19]}", {"timezone": "America/New_York"}, True),
        ("{hour: 23}", {"timezone": "Nowhere/Else"}, True),
        ("{hour: 23}", {"timezone": ["UTC"]}, True),
    ],
)
def test_by_weekday_and_hour(where: str, context: Any, expected: bool) -> None:
    assert counts(where, seen(context=context, time=SATURDAY)) is expected


@pytest.mark.parametrize(
    "where",
    [
        "{}", "{category: null}", "{category: []}", "{category: [[1]]}", "{price: {}}", "{price: {over: 3}}",
        "{weekday: someday}", "{weekday: 1}", "{hour: 24}", "{hour: noon}", "{timezone: Europe/Amsterdam}",
        "{weekday: sat, timezone: Mars}", "{device: toaster}", "{browser: 7}", "{a..b: 1}",
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(where: str) -> None:
    with pytest.raises(ValidationError):
        READ({"count": "view", "where": yaml.safe_load(where), "at_least": 1})


def test_the_same_narrowing_is_counted_once_however_it_is_written() -> None:
    same = ["{weekday: [sat, Sunday], device: mobile}", "{device: [mobile], weekday: [sun, saturday, sat]}"]
    keys = {narrowing("view", READ({"count": "view", "where": yaml.safe_load(one), "above": 1}).where) for one in same}
    assert len(keys) == 1
    other = READ({"count": "view", "where": {"device": "tablet"}, "above": 1}).where
    assert narrowing("view", other) not in keys


def test_what_is_narrowed_is_counted_as_roles_are() -> None:
    """Ever, within a window, since when, fading; in any order, and divided among profiles that merge."""
    shoes = {"category": "shoes"}
    conditions: list[tuple[Any, bool]] = [
        ({"count": "view", "where": shoes, "at_least": 20}, True),
        ({"count": "view", "where": shoes, "at_least": 21}, False),
        ({"count": "view", "where": shoes, "within": "30d", "at_least": 5}, True),
        ({"count": "view", "where": shoes, "within": "30d", "at_least": 6}, False),
        ({"since": "view", "where": shoes, "more_than": "51d"}, True),
        ({"since": "view", "where": shoes, "more_than": "53d"}, False),
        ({"not_done": "view", "where": {"category": "ties"}, "for": "9d"}, False),
        ({"not_done": "view", "where": {"category": "ties"}, "for": "9d", "or_never": True}, True),
        ({"decayed": "view", "where": shoes, "half_life": "8w", "above": 5}, True),
    ]
    limits = limits_of(*(condition for condition, _ in conditions))
    history = [seen(shoes if day % 2 == 0 else {"category": "hats"}, day=float(day)) for day in range(40)]
    chance = random.Random(3)
    for _ in range(3):
        chance.shuffle(history)
        whole, winner, loser = Profile("p"), Profile("p"), Profile("q")
        for number, each in enumerate(history):
            apply(whole, each, "EUR", limits)
            apply(winner if number % 3 else loser, each, "EUR", limits)
        merge(winner, loser, limits)
        for profile in (whole, winner):
            for condition, expected in conditions:
                now = T0 + (60 if "within" in condition else 90) * DAY
                assert holds(condition, profile, now - DAY / 2 if "within" in condition else now) is expected, condition


def test_an_order_that_web_and_server_tell_counts_once_in_each_of_its_parts() -> None:
    """The one knows the device, the other what was bought."""
    mobile = {"count": "purchase", "where": {"device": "mobile"}, "at_least": 1}
    shoes = {"count": "purchase", "where": {"category": "shoes"}, "at_least": 1}
    limits = limits_of(mobile, shoes)
    web, server = (event("purchase", 0.0, id=id_, subject="o1", amount=100) for id_ in ("m1", "m2"))
    web.context, server.properties = {"device": {"type": "ios"}}, {"category": "shoes"}
    for reports in itertools.permutations([web, server, web]):
        profile, winner, loser = Profile("p"), Profile("p"), Profile("q")
        for number, report in enumerate(reports):
            apply(profile, report, "EUR", limits)
            apply(winner if number else loser, report, "EUR", limits)
        merge(winner, loser, limits)
        for held in (profile, winner):
            for condition in (mobile, shoes):
                assert holds(condition, held)
                assert not holds({**condition, "at_least": 2}, held)


def test_an_order_is_of_the_weekday_of_its_own_time() -> None:
    """However late, or early, others tell of it."""
    saturday, sunday = ({"count": "purchase", "where": {"weekday": day}, "at_least": 1} for day in ("sat", "sun"))
    shoes = {"count": "purchase", "where": {"category": "shoes"}, "at_least": 1}
    limits = limits_of(saturday, sunday, shoes)
    night = datetime(2024, 3, 2, 23, 59, tzinfo=UTC).timestamp()
    web, server, again = (event("purchase", 0.0, id=id_, subject="o1", amount=100) for id_ in ("m1", "m2", "m3"))
    web.time, server.time, again.time = night, night + 120, night + 240
    server.properties = {"category": "shoes"}
    for reports in itertools.permutations([web, server, again]):
        profile, winner, loser = Profile("p"), Profile("p"), Profile("q")
        for number, report in enumerate(reports):
            apply(profile, report, "EUR", limits)
            apply(winner if number else loser, report, "EUR", limits)
        merge(winner, loser, limits)
        for held in (profile, winner):
            assert [holds(condition, held) for condition in (saturday, sunday, shoes)] == [True, False, True]


def test_parts_of_orders_that_have_settled_stay_counted() -> None:
    shoes = {"count": "purchase", "where": {"category": "shoes"}, "at_least": 40}
    limits = replace(limits_of(shoes), ledger=3)
    profile, winner, loser = Profile("p"), Profile("p"), Profile("q")
    for number in range(80):
        order = event("purchase", float(number), subject=f"o{number}", amount=100)
        order.properties = {"category": "shoes" if number % 2 else "hats"}
        apply(profile, order, "EUR", limits)
        apply(winner if number % 3 else loser, order, "EUR", limits)
    merge(winner, loser, limits)
    for held in (profile, winner):
        assert holds(shoes, held)
        assert not holds({**shoes, "at_least": 41}, held)


def test_what_no_condition_asks_for_any_more_goes() -> None:
    """So plans that come and go leave nothing for ever."""
    profile = Profile("p")
    for category in ("shoes", "hats", "ties"):
        limits = limits_of({"count": "view", "where": {"category": category}, "above": 1})
        apply(profile, seen({"category": category}), "EUR", limits)
        assert len(profile.narrowed) == 1


@pytest.mark.parametrize("role", ["view", "purchase"])
def test_what_a_condition_asks_for_again_is_counted_from_then_on(role: str) -> None:
    """Not on from a tally that knows nothing of what came between."""
    shoes = {"count": role, "where": {"category": "shoes"}, "at_least": 1}
    asked, not_asked = replace(limits_of(shoes), ledger=3), Limits(ledger=3)
    profile, merged, other = Profile("p"), Profile("p"), Profile("q")
    bought = [event(role, float(day), subject=f"o{day}", amount=100) for day in range(40)]
    for order in bought:
        order.properties = {"category": "shoes"}
    for order in bought[:30]:
        apply(profile, order, "EUR", asked)
        apply(merged, order, "EUR", asked)
    apply(profile, bought[30], "EUR", not_asked)
    merge(merged, other, not_asked)
    for held in (profile, merged):
        assert not held.narrowed
        apply(held, bought[31], "EUR", asked)
        assert holds(shoes, held)
        assert not holds({**shoes, "at_least": 2}, held)
        for more in bought[32:]:
            apply(held, more, "EUR", asked)
        assert holds({**shoes, "at_least": 9}, held)
        assert not holds({**shoes, "at_least": 10}, held)


@pytest.mark.parametrize(
    ("happened", "or_never", "expected"),
    [
        ([("cart", 2.0), ("purchase", 1.0)], False, True),
        ([("cart", 1.0), ("purchase", 2.0)], False, False),
        ([("cart", 1.0), ("purchase", 1.0)], False, False),
        ([("cart", 1.0), ("cart", 3.0), ("purchase", 2.0)], False, True),
        ([("cart", 1.0)], False, False),
        ([("cart", 1.0)], True, True),
        ([("purchase", 1.0)], True, False),
        ([], True, False),
    ],
)
def test_two_roles_are_compared_by_their_latest_times(
    happened: list[tuple[str, float]], or_never: bool, expected: bool
) -> None:
    profile = Profile("p")
    for role, day in happened:
        apply(profile, event(role, day), "EUR", Limits())
    assert holds({"latest": "cart", "after": "purchase", "or_never": or_never}, profile) is expected
    if expected and not or_never:
        assert holds({"latest": "cart", "after": "purchase", "by": "1d"}, profile)
        assert not holds({"latest": "cart", "after": "purchase", "by": "25h"}, profile)


def test_a_part_that_the_plan_names_is_of_the_events_that_it_is_said_of() -> None:
    """Several may be of one part; an event that meets none counts in its role alone."""
    parts = [
        Part("view", "view?:dear", "view", READ_WHERE({"price": {"above": 100}})),
        Part("view", "view?:dear", "*", {"dear": True}),
        Part("view", "view?:other", "Something else", READ_WHERE({"price": {"above": 0}})),
    ]
    limits = Limits(narrowed=meets([], parts), parts=frozenset(part.key for part in parts))
    profile = Profile("p")
    for day, properties in enumerate([{"price": 120, "dear": True}, {"price": 5}, {"dear": True}, {}]):
        apply(profile, seen(properties, day=day), "EUR", limits)

    assert {part: tally.count for part, tally in profile.narrowed.items()} == {"view?:dear": 2}
    assert profile.roles["view"].count == 4


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
def test_what_takes_no_where_says_what_does(kind: type[Kind]) -> None:
    """A sum of one category, say: nobody is to look for a misspelt key, and no entry is left out in silence."""
    said = {**yaml.safe_load(kind.examples[0]), "where": {"category": "shoes"}}

    if "where" in kind.model_fields:
        READ(said)
        return
    with pytest.raises(ValidationError) as raised:
        READ(said)
    (error,) = raised.value.errors()
    assert f"{kind.key} takes no where" in error["msg"]
    named, _, example = error["msg"].rpartition("came to. ")[2].partition(" take one, such as ")
    assert sorted(re.split(r", | and ", named)) == sorted(each.key for each in KINDS if "where" in each.model_fields)
    READ(yaml.safe_load(example))
