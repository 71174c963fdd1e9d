"""Home, winner and linker under any order of turns, with deliveries repeated: each event counts once, in its place."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from plan import load_plan
from profiles.identity.links import Erasure
from profiles.types import ERASED, Identity
from streams.records.links import EraseRequest, SplitRequest
from tests.integration.rapport import PLAN
from tests.properties.world import World

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


def counted(world: World, identity: Identity) -> int:
    """Events that the identity's customer holds, and no more than one living profile for it."""
    profile = world.profile(world.mapping.get(identity) or world.home(identity))
    assert profile is None or not profile.redirect, "the mapping names a tombstone"
    return profile.activity["web"].count if profile and profile.activity else 0


def expected(world: World, events: dict[str, list[Identity]]) -> dict[str, int]:
    """Events by profile, had one reader with the linker's graph seen them."""
    by_home = Counter(world.home(identities[0]) for identities in events.values())
    mapped = {world.home(identity): world.mapping.get(identity) or world.home(identity) for identity in PEOPLE}
    totals: defaultdict[str, int] = defaultdict(int)
    for home, count in by_home.items():
        totals[mapped[home]] += count
    return dict(totals)


def held(world: World) -> dict[str, int]:
    """Events by living profile."""
    found = {}
    for partition in world.partitions:
        for id_ in partition.documents:
            profile = world.profile(id_)
            assert profile is not None
            if not profile.redirect and profile.activity:
                found[id_] = profile.activity["web"].count
    return found


def explained(world: World) -> bool:
    """Whether what is kept says how every profile came together: by its links, each identity is connected to all."""
    for linked in world.graph.values():
        links = [link.identities for links in linked.links.values() for link in links]
        reached = {linked.identities[0]}
        for _ in links:
            reached.update(*(link for link in links if not reached.isdisjoint(link)))
        if reached != set(linked.identities):
            return False
    return True


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_merges_and_repeats_count_each_event_once(seed: int) -> None:
    """Links in any order and chain, senders' repeats at any time, deliveries twice: as one reader would have it."""
    chance = random.Random(seed)
    world = World(RULES, chance)
    events: dict[str, list[Identity]] = {}
    for number, identities in enumerate(history(chance, 40)):
        events[f"e{number}"] = identities
        world.happen(f"e{number}", 1000.0 + number, identities)
        if chance.random() < 0.3:
            again = chance.choice(sorted(events))
            world.happen(again, 1000.0 + int(again[1:]), events[again])
        world.some()
    world.settle()

    assert held(world) == expected(world, events)
    assert explained(world)
    assert all(counted(world, identity) == held(world).get(world.mapping.get(identity) or world.home(identity), 0)
               for identity in PEOPLE)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_a_split_loses_and_doubles_nothing(seed: int) -> None:
    """Splits while events flow, whatever is under way then: every event is where its home belongs afterwards."""
    chance = random.Random(seed)
    world = World(RULES, chance)
    events: dict[str, list[Identity]] = {}
    asked: list[tuple[Identity, Identity]] = []
    for number, identities in enumerate(history(chance, 60)):
        events[f"e{number}"] = identities
        world.happen(f"e{number}", 1000.0 + number, identities)
        world.some()
        linked = [one.identities for one in world.graph.values() if len(one.identities) > 1]
        if linked and number % 15 == 14:
            out, other = chance.sample(chance.choice(linked), 2)
            world.requests.append(SplitRequest(f"s{number}", out, [other], 1000.0 + number))
            asked.append((out, other))
    world.settle()

    assert not world.pending
    assert held(world) == expected(world, events)
    assert explained(world)
    for out, others in world.apart.items():
        for other in others:
            assert (world.mapping.get(out) or world.home(out)) != (world.mapping.get(other) or world.home(other))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_an_erased_customer_leaves_only_tombstones(seed: int) -> None:
    """Erased in the middle of everything, splits too: no home lives again, and nobody else loses an event."""
    chance = random.Random(seed)
    world = World(RULES, chance)
    events: dict[str, list[Identity]] = {}
    for number, identities in enumerate(history(chance, 40)):
        if world.home(identities[0]) not in world.erased:
            events[f"e{number}"] = identities
        world.happen(f"e{number}", 1000.0 + number, identities)
        world.some()
        linked = [one.identities for one in world.graph.values() if len(one.identities) > 1]
        if linked and number in (15, 18, 21):
            out, other = chance.sample(chance.choice(linked), 2)
            world.requests.append(SplitRequest(f"s{number}", out, [other], 1000.0 + number))
        if number == 20:
            victim = chance.choice(PEOPLE)
            world.requests.append(EraseRequest(Erasure("x", world.home(victim), victim, 1020.0)))
    world.settle()

    assert world.erased
    for home in world.erased:
        tombstone = world.profile(home)
        assert tombstone is not None
        assert tombstone.redirect == ERASED
    alive = {name: who for name, who in events.items() if world.home(who[0]) not in world.erased}
    assert held(world) == expected(world, alive)
