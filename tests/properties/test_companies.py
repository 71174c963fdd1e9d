"""A company is a function of the set of its members' events, whatever order, merges, splits and kills are between."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.archive.manifests import State
from plan import Plan, load_plan
from plan.model import GroupSpec
from profiles.companies.counting import count_shares, part_of_cell, take_share
from profiles.companies.sharing import WAITING, Companies, told
from profiles.consent import Consent
from profiles.documents import decode_profile
from profiles.identity.links import Erasure, Lifted
from profiles.identity.secrets import suppression
from profiles.merge import merge
from profiles.state import apply
from profiles.stores.memory import MemoryCensusStore, MemoryStore
from profiles.types import (
    ERASED,
    Event,
    Grouping,
    Identity,
    Join,
    Joined,
    Part,
    Profile,
    Share,
    event_digest,
    is_company,
    partition_of,
)
from streams.companies.erasing import unnaming
from streams.identity.split import fold
from streams.pipeline import limits_of
from streams.rebuild.homes import Homes, Memories, by_home
from streams.rebuild.ownership import Ownership
from streams.rebuild.player import Player
from streams.rebuild.spool import Spool, Timed
from streams.rebuild.tail import Erasures, read_tail
from streams.records.links import EraseRequest, LiftRequest
from tests.integration.rapport import PLAN
from tests.properties import test_order_free as order_free
from tests.properties.test_order_free import canonical, events, same
from tests.properties.test_protocols import ask_to_split, assert_findable, history
from tests.properties.test_rebuild import rebuild
from tests.properties.world import EVENTS, LINKS, PARTITIONS, SETTINGS, World, play

pytestmark = pytest.mark.slow

KINDS = Companies(
    "company", lambda key: f"~{key}", lambda key, number: f"~~{key} {number}", Consent({}), order_free.LIMITS, "EUR"
)
LIMITS = replace(order_free.LIMITS, companies=KINDS)


RULES = Plan(load_plan(PLAN).file.model_copy(update={"groups": {"company": GroupSpec()}}))
"""The plan of the other tests, with companies."""


@st.composite
def grouped(draw: st.DrawFn) -> list[Event]:
    """Events of a customer of up to three companies, half of which name one."""
    made = draw(events())
    assert len(made) <= WAITING
    for event in made:
        if draw(st.booleans()):
            traits = draw(st.dictionaries(st.sampled_from(["tier", "name"]), st.integers(0, 3), max_size=2))
            company = draw(st.sampled_from(["acme", "acme", "bolt", "corp"]))
            event.group = Grouping(company, draw(st.integers(0, 5)) == 0, traits)
    return made


def folded(history: list[Event], id_: str = "p" * 22) -> Profile:
    """The profile of these events."""
    profile = Profile(id_)
    for event in history:
        apply(profile, event, "EUR", LIMITS, event_digest(event.source, event.id))
    return profile


def companies_of(*members: Profile, order: Any = sorted, kinds: Companies = KINDS) -> dict[str, Profile]:
    """The companies of these customers, each of whose shares came in the given order."""
    shares = [
        Share(kinds.id_of(key), key, member.id, 0.0, told(part)[0])
        for member in members
        for key, part in kinds.parts(member)
    ]
    found: dict[str, Profile] = {}
    for share in order(shares, key=lambda share: share.member):
        company = found.setdefault(share.profile, Profile(share.profile))
        take_share(company, share, "company")
    for company in found.values():
        count_shares(company, kinds.limits)
    return found


def said(company: Profile) -> Any:
    """What a company's document says, without how its shares are written: decayed sums differ in the last digit."""
    held = company.company
    assert held is not None
    told = msgspec.structs.replace(company, company=None, segments={}, alerts={}, stages=[], scheduled_at=0, terms=None)
    return canonical(told), sorted(held.shares), msgspec.to_builtins(held.team)


def count_joined(found: Mapping[str, Profile], words: Mapping[str, Joined], kinds: Companies) -> dict[str, Profile]:
    """The same where some companies count for others on a person's word, an earlier one before a later one."""
    standing: dict[str, Joined] = {}
    for id_, word in sorted(words.items(), key=lambda item: (item[1].at, item[0])):
        if word.target and id_ not in {other.target for other in standing.values()}:
            standing[id_] = word
    companies = dict(found)
    for id_, word in reversed(standing.items()):  # who counts for one that counts for a third was joined later
        if id_ not in companies:
            continue
        share = Share(word.target, word.into, id_, 0.0, told(own_part(companies[id_]))[0])
        company = companies.setdefault(share.profile, Profile(share.profile))
        take_share(company, share, "company")
        count_shares(company, kinds.limits)
    return companies


def own_part(company: Profile) -> Part:
    """What a company's members come to."""
    return msgspec.structs.replace(part_of_cell(company), members=[])


def alike(ours: Mapping[str, Profile], theirs: Mapping[str, Profile]) -> bool:
    """Whether the same companies say the same."""
    return ours.keys() == theirs.keys() and all(same(said(ours[id_]), said(theirs[id_])) for id_ in ours)


@settings(max_examples=150, deadline=None)
@given(grouped(), st.randoms(use_true_random=False))
def test_any_order_and_any_merge_give_the_same_companies(history: list[Event], random: Any) -> None:
    """Also where it is heard late who belonged to what: the events that name no company wait for it."""
    again = list(history)
    random.shuffle(again)
    mine = [event for event in again if random.random() < 0.5]
    winner, loser = folded(mine), folded([event for event in again if event not in mine], "q" * 22)

    merge(winner, loser, LIMITS)

    expected = companies_of(folded(history))
    assert alike(expected, companies_of(folded(again)))
    assert alike(expected, companies_of(winner))


@settings(max_examples=50, deadline=None)
@given(st.lists(grouped(), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_order_in_which_shares_come_does_not_show_in_a_byte(histories: list[list[Event]], random: Any) -> None:
    """Whoever is told first."""
    members = [folded(history, f"{number}" * 22) for number, history in enumerate(histories)]

    def shuffled(shares: list[Share], key: Any) -> list[Share]:
        random.shuffle(shares)
        return shares

    encode = msgspec.msgpack.encode
    ours, theirs = companies_of(*members), companies_of(*members, order=shuffled)
    assert {id_: encode(one) for id_, one in ours.items()} == {id_: encode(one) for id_, one in theirs.items()}


async def played(world: World) -> dict[str, Profile]:
    """The documents that events and decisions alone give, in the order of time."""
    ownership = Ownership(LINKS)
    tail = await read_tail(world.log, State(), await world.log.extents(EVENTS), ownership)
    erasures = Erasures(State(), tail, lambda home: home)
    unname = unnaming(world.plan, erasures.drops)
    store = MemoryStore(world.plan.namespace, PARTITIONS)
    player = Player(store, MemoryCensusStore(store), SETTINGS, world.plan, world.clock.now())
    with Spool(run=2000) as spool, Memories(PARTITIONS) as memories:
        homes = Homes(spool, memories, ownership.owners(), PARTITIONS, SETTINGS.seen)
        for home, events in by_home((), tail.events, tail.erased):
            homes.take(home, map(unname, events))
        for command in erasures.joins(ownership.joins.values()):
            spool.add(Timed(command.time, partition_of(command.profile, PARTITIONS), msgspec.msgpack.encode(command)))
        await player.play(spool.in_order())
    documents = [item for number in range(PARTITIONS) for item in store.partition(number).documents.items()]
    return {id_: decode_profile(id_, document) for id_, document in documents}


def alive(found: Mapping[str, Profile]) -> dict[str, Profile]:
    """The companies with somebody in them."""
    return {id_: one for id_, one in found.items() if one.company is not None and one.company.shares}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_whoever_is_killed_merged_split_or_erased_companies_count_each_event_once(seed: int) -> None:
    """As one reader would have it who knows in the end who is who; also where Redis is lost, and played anew."""

    async def story(world: World) -> None:
        world.start()
        happened: dict[str, Event] = {}
        said_of: dict[str, str] = {}
        for number, identities in enumerate(history(world.chance, 40)):
            company = world.chance.choice(["", "acme", "acme", "bolt", "corp"])
            if not await world.is_erased(RULES.home(identities[0])):
                happened[f"e{number}"] = await world.happen(
                    f"e{number}", 1000.0 + number, identities, group=Grouping(company) if company else None
                )
            if number % 15 == 14:
                await ask_to_split(world, number)
            if number % 8 == 7:
                one, other = world.chance.choice(
                    [*permutations(["acme", "bolt", "corp"], 2), ("bolt", ""), ("acme", "")]
                )
                word = Join(RULES.company(one), one, RULES.company(other) if other else "", other, 1000.5 + number)
                if RULES.company(one) in world.everybody():
                    said_of[one] = other
                    await world.decide(word)
            if number == 20 and world.chance.random() < 0.5:
                victim: Identity = world.chance.choice(identities)
                await world.ask(EraseRequest(Erasure("x", RULES.home(victim), victim, 1020.0)))
            await world.some_time()
            if world.chance.random() < 0.03:
                await world.stop()
                await rebuild(world)
                world.start()
        await world.settle()

        limits = limits_of(SETTINGS, RULES)
        assert limits.companies is not None
        by_owner: defaultdict[str, list[Event]] = defaultdict(list)
        owners = await world.owners([event.identities[0] for event in happened.values()])
        for event in happened.values():
            if not await world.is_erased(event.profile):
                by_owner[owners[event.identities[0]]].append(event)
        members = [fold(id_, history, RULES.currency, limits) for id_, history in by_owner.items()]
        held = [(id_, one.company) for id_, one in world.everybody().items() if one.company is not None]
        words = {id_: company.joined for id_, company in held if company.joined is not None}
        assert {company.key: company.joined.into for _, company in held if company.joined and company.joined.into} == {
            key: other for key, other in said_of.items() if other
        }
        expected = count_joined(companies_of(*members, kinds=limits.companies), words, limits.companies)
        found = {id_: one for id_, one in world.everybody().items() if is_company(id_)}
        assert alike(expected, alive(found))
        assert_findable(world)
        assert all(not one.activity for id_, one in found.items() if id_ not in expected)
        assert alike(expected, alive(await played(world)))

    play(RULES, seed, story)


def memberships(found: Mapping[str, Profile]) -> dict[str, list[tuple[str, float, float]]]:
    """From when to when each customer was in which company."""
    return {
        id_: sorted((key, member.first, member.last) for key, member in one.affiliation.members.items())
        for id_, one in found.items()
        if one.affiliation is not None and not one.redirect and one.affiliation.members
    }


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_an_erased_company_is_nowhere_any_more_and_its_people_stay(seed: int) -> None:
    """Whatever was on its way, whoever is killed, merged, split or joined, also where Redis is lost; played anew it is
    not there either. Once that is lifted, it begins anew with what happens from then on."""

    async def story(world: World) -> None:
        world.start()
        acme = RULES.company("acme")
        happened: dict[str, Event] = {}
        lifted = False
        for number, identities in enumerate(history(world.chance, 40)):
            company = world.chance.choice(["", "acme", "acme", "bolt", "corp"])
            # Ingest hears of an erasure a moment late, so some of what names the company gets past it.
            late = world.chance.random() < 0.3
            gone = company == "acme" and await world.is_erased(acme) and not late
            group = Grouping("" if gone else company) if company else None
            happened[f"e{number}"] = await world.happen(f"e{number}", 1000.0 + number, identities, group=group)
            if number % 15 == 14:
                await ask_to_split(world, number)
            if number % 6 == 5:
                one, other = world.chance.choice(list(permutations(["acme", "bolt", "corp"], 2)))
                if RULES.company(one) in world.everybody() and not await world.is_erased(RULES.company(other)):
                    word = Join(RULES.company(one), one, RULES.company(other), other, 1000.5 + number)
                    await world.decide(word)
            if number == 20:
                await world.ask(EraseRequest(Erasure("x", acme, None, 1020.0)))
            if number == 32 and world.chance.random() < 0.5:
                await world.settle()
                digest = suppression(RULES.pii_key, acme)
                await world.ask(LiftRequest(("", acme), Lifted("l", digest, 1032.5, 1032.5, "desk", "is back")))
                await world.settle()
                lifted = True
            await world.some_time()
            if world.chance.random() < 0.03:
                await world.stop()
                await rebuild(world)
                world.start()
        await world.settle()

        limits = limits_of(SETTINGS, RULES)
        assert limits.companies is not None
        unname = unnaming(RULES, lambda id_, time: id_ == acme and (not lifted or time < 1032.5))
        by_owner: defaultdict[str, list[Event]] = defaultdict(list)
        owners = await world.owners([event.identities[0] for event in happened.values()])
        for event in happened.values():
            by_owner[owners[event.identities[0]]].append(unname(event))
        members = {id_: fold(id_, events, RULES.currency, limits) for id_, events in by_owner.items()}
        everybody = world.everybody()
        held = [(id_, one.company) for id_, one in everybody.items() if one.company is not None]
        words = {id_: company.joined for id_, company in held if company.joined is not None}
        assert lifted or "acme" not in {word.into for word in words.values()}
        counted = companies_of(*members.values(), kinds=limits.companies)
        expected = count_joined(counted, words, limits.companies)
        assert lifted or acme not in expected
        assert alike(expected, alive(everybody))
        assert_findable(world)
        assert memberships(everybody) == memberships(members)
        anew = await played(world)
        assert alike(expected, alive(anew))
        assert memberships(anew) == memberships(members)
        if not lifted:
            assert everybody[acme] == Profile(acme, redirect=ERASED)
            assert b"acme" not in b"".join(msgspec.msgpack.encode(one) for one in everybody.values())

    play(RULES, seed, story)
