"""Home, winner and linker under any order of turns, with deliveries repeated: each event counts once, in its place."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cases.following import Cases
from models.conditions.rules import AlertRule
from models.durations import DAY
from models.segments.alerts import compile_alerts
from plan import load_plan
from profiles.daily.counters import CUSTOMERS, EVENTS, summed
from profiles.documents import decode_profile
from profiles.identity.links import Erasure, Lifted
from profiles.identity.secrets import suppression
from profiles.search.terms import members_of, terms_of
from profiles.types import ERASED, Identity
from streams.kafka.topics import ALERTS, CASES
from streams.records.links import EraseRequest, LiftRequest, SplitRequest
from streams.steps.alert import alert
from streams.steps.work import Work
from tests.integration.rapport import PLAN
from tests.outputs import wrong_outputs
from tests.properties.world import PARTITIONS, World, play

pytestmark = pytest.mark.slow

RULES = load_plan(PLAN)

PEOPLE = [
    *(("user_id", f"u{n}") for n in range(3)),
    *(("loyalty_number", f"l{n}") for n in range(3)),
    *(("anonymous_id", f"a{n}") for n in range(4)),
]
RANK = {identity: n for n, identity in enumerate(PEOPLE)}


def history(chance: random.Random, count: int) -> list[list[Identity]]:
    """Who was in each event, the strongest first."""
    return [sorted(chance.sample(PEOPLE, chance.choice((1, 1, 2, 2, 3))), key=RANK.__getitem__) for _ in range(count)]


async def expected(world: World, events: dict[str, list[Identity]]) -> dict[str, int]:
    """Events by profile, had one reader with the linker's graph seen them."""
    owners = await world.owners(PEOPLE)
    totals: Counter[str] = Counter()
    for identities in events.values():
        totals[owners[identities[0]]] += 1
    return dict(totals)


def held(world: World) -> dict[str, int]:
    """Events by living profile."""
    found = {}
    for id_, profile in world.everybody().items():
        if not profile.redirect and profile.activity:
            found[id_] = profile.activity["web"].count
    return found


def assert_findable(world: World) -> None:
    """The search index has of everybody what follows from their state, and of tombstones nothing."""
    for number in range(PARTITIONS):
        held = world.profiles.partition(number)
        everybody = {id_: decode_profile(id_, document) for id_, document in held.documents.items()}
        terms = {id_: terms_of(profile, world.plan.searchable) for id_, profile in everybody.items()}
        assert {id_: profile.terms or "" for id_, profile in everybody.items()} == terms
        assert held.search == {member for id_ in terms for member in members_of(id_, terms[id_])}


def assert_counted(world: World) -> None:
    """The counters say how many events there are of how many customers, and are what the documents say they have."""
    found = held(world)
    counters = [world.profiles.partition(number).counters for number in range(PARTITIONS)]
    assert sum(each.get(0, {}).get(EVENTS, 0) for each in counters) == sum(found.values())
    assert sum(each.get(0, {}).get(CUSTOMERS, 0) for each in counters) == len(found)
    for number in range(PARTITIONS):
        documents = world.profiles.partition(number).documents
        added = summed(decode_profile(id_, document).counted for id_, document in documents.items())
        assert {(day, place): number for day, each in counters[number].items() for place, number in each.items()
                if number} == {key: number for key, number in added.items() if number}  # fmt: skip


async def assert_explained(world: World) -> None:
    """What is kept says how every profile came together: by its links, each identity is connected to all."""
    for linked in (await world.linked(PEOPLE)).values():
        links = [link.identities for links in linked.links.values() for link in links]
        reached = {linked.identities[0]}
        for _ in links:
            reached.update(*(link for link in links if not reached.isdisjoint(link)))
        assert reached == set(linked.identities)


async def assert_whole(world: World, events: dict[str, list[Identity]]) -> None:
    """Every event counts once, in its place; the mapping names nobody who is gone."""
    assert held(world) == await expected(world, events)
    assert_counted(world)
    await assert_explained(world)
    assert_findable(world)
    everybody = world.everybody()
    for identity, owner in (await world.owners(PEOPLE)).items():
        assert owner not in everybody or not everybody[owner].redirect or await world.is_erased(owner), identity


async def ask_to_split(world: World, number: int) -> None:
    """Take one of some customer's identities from them, if anybody has two."""
    several = [one.identities for one in (await world.linked(PEOPLE)).values() if len(one.identities) > 1]
    if several:
        out, other = world.chance.sample(world.chance.choice(several), 2)
        await world.ask(SplitRequest(f"s{number}", out, [other], 1000.0 + number))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_merges_and_repeats_count_each_event_once(seed: int) -> None:
    """Links in any order and chain, senders' repeats at any time, whoever is killed: as one reader would have it."""

    async def story(world: World) -> None:
        world.start()
        events: dict[str, list[Identity]] = {}
        for number, identities in enumerate(history(world.chance, 40)):
            events[f"e{number}"] = identities
            await world.happen(f"e{number}", 1000.0 + number, identities)
            if world.chance.random() < 0.3:
                again = world.chance.choice(sorted(events))
                await world.happen(again, 1000.0 + int(again[1:]), events[again])
            await world.some_time()
        await world.settle()

        await assert_whole(world, events)

    play(RULES, seed, story)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_a_split_loses_and_doubles_nothing(seed: int) -> None:
    """Splits while events flow, whatever is under way then: every event is where its home belongs afterwards."""

    async def story(world: World) -> None:
        world.start()
        events: dict[str, list[Identity]] = {}
        for number, identities in enumerate(history(world.chance, 60)):
            events[f"e{number}"] = identities
            await world.happen(f"e{number}", 1000.0 + number, identities)
            await world.some_time()
            if number % 15 == 14:
                await ask_to_split(world, number)
        await world.settle()

        await assert_whole(world, events)
        owners = await world.owners(PEOPLE)
        for out, others in (await world.links.apart()).items():
            assert owners[out] not in {owners[other] for other in others}

    play(RULES, seed, story)


ALARM = AlertRule(name="here", when={"open_tickets": "at most 0"}, cooldown=3600.0, purpose=None)  # for everybody


def looks() -> list[Callable[[Work], None]]:
    """The steps that tell of everybody who is there, once."""
    rules = compile_alerts([ALARM], RULES.currency, ())
    return [alert(rules, RULES.consent, cases=Cases([ALARM], RULES.currency, 30 * DAY, 0.0, RULES.consent))]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_who_was_somebody_elses_for_a_while_is_not_told_of_once_more(seed: int) -> None:
    """Alerts and cases go with merges and come back with splits, whoever is killed: each customer has one of each."""

    async def story(world: World) -> None:
        world.start()
        for number, identities in enumerate(history(world.chance, 60)):
            await world.happen(f"e{number}", 1000.0 + number, identities)
            await world.some_time()
            if number % 15 == 14:
                await ask_to_split(world, number)
        await world.settle()

        alive = {id_: profile for id_, profile in world.everybody().items() if not profile.redirect}
        assert not list(wrong_outputs((), world.values(ALERTS), world.values(CASES), alive))
        assert {id_ for id_, profile in alive.items() if ALARM.name in profile.alerts} == alive.keys()

    play(RULES, seed, story, looks())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_an_erased_customer_leaves_only_tombstones(seed: int) -> None:
    """Erased in the middle of everything, splits too: no home lives again, and nobody else loses an event."""

    async def story(world: World) -> None:
        world.start()
        events: dict[str, list[Identity]] = {}
        for number, identities in enumerate(history(world.chance, 40)):
            if not await world.is_erased(world.plan.home(identities[0])):
                events[f"e{number}"] = identities
            await world.happen(f"e{number}", 1000.0 + number, identities)
            await world.some_time()
            if number in (15, 18, 21):
                await ask_to_split(world, number)
            if number == 20:
                victim = world.chance.choice(PEOPLE)
                await world.ask(EraseRequest(Erasure("x", world.plan.home(victim), victim, 1020.0)))
        await world.settle()

        erased = {home for identity in PEOPLE if await world.is_erased(home := world.plan.home(identity))}
        everybody = world.everybody()
        assert erased
        assert all(home in everybody and everybody[home].redirect == ERASED for home in erased)
        alive = {name: who for name, who in events.items() if world.plan.home(who[0]) not in erased}
        await assert_whole(world, alive)

    play(RULES, seed, story)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_who_may_come_back_does_so_as_somebody_new(seed: int) -> None:
    """After an erasure is lifted exactly what happened since counts, splits of its history included."""

    async def story(world: World) -> None:
        world.start()
        for number, identities in enumerate(history(world.chance, 15)):
            await world.happen(f"e{number}", 1000.0 + number, identities)
            await world.some_time()
        user, browser = ("user_id", "u0"), ("anonymous_id", "a0")
        await world.ask(EraseRequest(Erasure("x", world.plan.home(user), user, 1020.0)))
        await world.settle()
        alone = not await world.is_erased(world.plan.home(browser))
        subject = suppression(world.plan.pii_key, world.plan.home(user))
        await world.ask(LiftRequest(user, Lifted("l", subject, 1021.0, 1021.0, "kim", "asked to")))
        await world.settle()
        assert world.plan.home(user) not in world.everybody()

        for number in range(3):
            await world.happen(f"n{number}", 1022.0 + number, [user])
        await world.happen("with", 1030.0, [user, browser])
        await world.settle()
        if alone and len({*(await world.owners([user, browser])).values()}) == 1:
            await world.ask(SplitRequest("s", browser, [user], 1031.0))
            await world.settle()

        [owner] = (await world.owners([user])).values()
        assert world.everybody()[owner].activity["web"].count >= 4
        if owner == world.plan.home(user) and not (await world.linked([user])).get(owner):
            assert world.everybody()[owner].activity["web"].count == 4

    play(RULES, seed, story)
