"""The oracle of the fault tests agrees with the product where nothing goes wrong, and notices each thing that does."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import msgspec
import pytest

from plan import Plan, load_plan
from profiles.companies.counting import count_shares, take_share
from profiles.companies.sharing import Companies, told
from profiles.documents import decode_profile, encode_profile
from profiles.merge import add_identities, merge
from profiles.state import Limits, apply
from profiles.types import Event, Grouping, Identity, Profile, Share, profile_id
from streams.records.links import LinkRequest
from streams.records.rejected import Rejection
from tests import REPOSITORY
from tests.integration.faults.companies import GROUP, grouped_plan
from tests.integration.faults.load import history
from tests.integration.faults.oracle import Happening, Stored, Truth, accept, truth_of
from tests.integration.faults.verdict import Found, judge

LIMITS = Limits()
END = 1_790_000_000.0


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return load_plan(grouped_plan(REPOSITORY / "tracking_plan.yaml", tmp_path_factory.mktemp("plan")))


@pytest.fixture(scope="module")
def limits(plan: Plan) -> Limits:
    """The usual ones, with the plan's companies."""
    return replace(LIMITS, companies=Companies(GROUP, plan.company, plan.cell, plan.consent, LIMITS, plan.currency))


@pytest.fixture(scope="module")
def sources(plan: Plan) -> dict[str, list[Stored]]:
    """What the topics hold after a small history."""
    records: defaultdict[str, list[Stored]] = defaultdict(list)
    for message in history(3000, seed=3, end=END):
        part = records[message.source]
        part.append(Stored(f"events.{message.source}", 0, len(part), int(END * 1000), message.body))
    return dict(records)


@pytest.fixture(scope="module")
def happenings(plan: Plan, sources: dict[str, list[Stored]]) -> list[Happening]:
    return [one for source, records in sources.items() for one in accept(plan, source, records)[0]]


@pytest.fixture(scope="module")
def truth(plan: Plan, sources: dict[str, list[Stored]], happenings: list[Happening]) -> Truth:
    requests = [
        LinkRequest(one.identities, one.time, one.source, one.id) for one in happenings if len(one.identities) > 1
    ]
    random.Random(1).shuffle(requests)
    return truth_of(plan, sources, [msgspec.msgpack.encode(request) for request in requests], LIMITS.timeline)


@pytest.fixture
def found(plan: Plan, limits: Limits, truth: Truth, happenings: list[Happening]) -> Found:
    """What the product's own rules make of it: every home by `apply`, every person by `merge`, in any order."""
    homes: dict[str, Profile] = {}
    known: set[tuple[str, bytes]] = set()
    for one in random.Random(2).sample(happenings, len(happenings)):
        home = profile_id(plan.namespace, one.identities[0])
        if (home, one.digest) not in known:
            known.add((home, one.digest))
            apply(homes.setdefault(home, Profile(home)), neutral(one, home), plan.currency, limits)
    for home in truth.tombstones:
        homes.setdefault(home, Profile(home))
    documents = dict(homes)
    for home, winner in truth.tombstones.items():
        merge(documents.setdefault(winner, Profile(winner)), homes[home], limits)
    for winner, held in truth.links.held.items():
        profile = documents[winner]
        add_identities(profile, [(identity, 0.0) for identity in held])
    for home, winner in truth.tombstones.items():
        documents[home] = Profile(home, redirect=winner)
    documents |= companies_of(documents.values(), limits)
    rejections = [
        Rejection("", "check", "", "", "web", topic, partition, offset, payload).encode()
        for (topic, partition, offset), payload in truth.rejected.items()
    ]
    packed = {id_: encode_profile(profile) for id_, profile in documents.items()}
    mapping, archive = dict(truth.links.mapping), list(truth.happened)
    return Found(packed, mapping, rejections, set(truth.ids), LIMITS.timeline, archive)


def companies_of(members: Iterable[Profile], limits: Limits) -> dict[str, Profile]:
    """The documents that these customers' shares make."""
    kinds, found = limits.companies, dict[str, Profile]()
    assert kinds is not None
    for member in members:
        for key, part in kinds.parts(member):
            id_ = kinds.id_of(key)
            take_share(found.setdefault(id_, Profile(id_)), Share(id_, key, member.id, 0.0, told(part)[0]), GROUP)
    for company in found.values():
        count_shares(company, kinds.limits)
    return found


def neutral(one: Happening, home: str) -> Event:
    group = Grouping(one.company) if one.company else None
    call = "track" if one.source in ("purchase", "support") else ""
    return Event(
        profile=home, id=one.id, source=one.source, type=call, group=group, name=one.name,
        role=one.role, time=one.time, received=one.time, identities=one.identities[:1], traits=one.traits,
        amount=one.amount, currency=one.currency, quantity=one.quantity, subject=one.subject, rating=one.rating,
        shown=one.shown,
    )  # fmt: skip


def somebody(truth: Truth, found: Found) -> tuple[str, Profile]:
    """The customer with the most events."""
    id_ = max(truth.profiles, key=lambda one: truth.profiles[one]["roles"].get("visit", (0,))[0])
    return id_, decode_profile(id_, found.documents[id_])


def test_the_history_is_worth_judging(truth: Truth) -> None:
    """Chains of merges, refusals, repeats and rejections are in it."""
    assert truth.links.merges > 100
    assert truth.links.refused > 5
    assert truth.repeats > 100
    assert len(truth.rejected) > 20
    assert max(len(held) for held in truth.links.held.values()) > 90


def test_oracle_and_product_agree(truth: Truth, found: Found) -> None:
    verdict = judge(truth, found)
    assert verdict.clean, verdict.examples


def test_a_company_that_is_wrong_is_noticed(truth: Truth, found: Found) -> None:
    """An order too many, a member who is not there, and a company of nobody."""
    id_ = max(truth.companies, key=lambda one: len(truth.companies[one][0]))
    assert len(truth.companies) == 6
    for change, faults in (
        (lambda one: setattr(one.purchases, "orders", one.purchases.orders + 1), {"wrong value": 1}),
        (lambda one: one.company.shares.popitem(), {"wrong merge": 1}),
    ):
        company = decode_profile(id_, found.documents[id_])
        change(company)
        verdict = judge(truth, replace(found, documents={**found.documents, id_: encode_profile(company)}))
        assert +verdict.faults == faults
    stranger = {**found.documents, "~stranger": encode_profile(Profile("~stranger"))}
    assert +judge(truth, replace(found, documents=stranger)).faults == {"wrong merge": 1}
    left = {one: document for one, document in found.documents.items() if one != id_}
    assert +judge(truth, replace(found, documents=left)).faults == {"lost": 1}


def test_the_same_seed_gives_the_same_history() -> None:
    assert history(500, seed=4, end=END) == history(500, seed=4, end=END)
    assert history(500, seed=4, end=END) != history(500, seed=5, end=END)


@pytest.mark.parametrize(("more", "kind"), [(-1, "lost"), (1, "doubled")])
def test_a_lost_and_a_doubled_event_are_counted(truth: Truth, found: Found, more: int, kind: str) -> None:
    id_, profile = somebody(truth, found)
    profile.activity["web"].count += more
    verdict = judge(truth, replace(found, documents={**found.documents, id_: encode_profile(profile)}))
    assert +verdict.faults == {kind: 1}


def test_a_wrong_sum_is_noticed(truth: Truth, found: Found) -> None:
    id_, profile = somebody(truth, found)
    profile.purchases.revenue["EUR"] = profile.purchases.revenue.get("EUR", 0) + 1
    verdict = judge(truth, replace(found, documents={**found.documents, id_: encode_profile(profile)}))
    assert +verdict.faults == {"wrong value": 1}


def test_a_decayed_sum_that_is_a_little_off_is_noticed(truth: Truth, found: Found) -> None:
    id_, profile = somebody(truth, found)
    tally = profile.roles["visit"]
    tally.decayed = (tally.decayed[0] * (1 + 1e-8), tally.decayed[1])
    verdict = judge(truth, replace(found, documents={**found.documents, id_: encode_profile(profile)}))
    assert +verdict.faults == {"wrong value": 1}


def test_a_stranger_a_lost_tombstone_and_a_wrong_redirect_are_noticed(truth: Truth, found: Found) -> None:
    stranger = Profile("stranger", identities={"user_id": {"x": 0.0}})
    first, second = list(truth.tombstones)[:2]
    documents = {**found.documents, stranger.id: encode_profile(stranger)}
    del documents[first]
    documents[second] = encode_profile(Profile(second, redirect="stranger"))
    assert +judge(truth, replace(found, documents=documents)).faults == {"wrong merge": 3}


def test_an_identity_with_the_wrong_person_is_noticed(truth: Truth, found: Found) -> None:
    identity: Identity = next(iter(truth.links.mapping))
    verdict = judge(truth, replace(found, mapping={**found.mapping, identity: "stranger"}))
    assert +verdict.faults == {"wrong merge": 1}


def test_a_rejection_that_is_missing_and_one_with_other_bytes_are_noticed(truth: Truth, found: Found) -> None:
    _, *rest = found.rejections
    other = msgspec.json.decode(rest[0], type=Rejection)
    other.payload = b"?"
    verdict = judge(truth, replace(found, rejections=[*rest[1:], other.encode()]))
    assert verdict.faults["not rejected"] == 2


def test_an_accepted_event_that_kafka_does_not_have_is_noticed(truth: Truth, found: Found) -> None:
    verdict = judge(truth, replace(found, accepted={*found.accepted, ("web", "never")}))
    assert +verdict.faults == {"unsent": 1}


def test_a_link_that_nobody_was_asked_about_is_noticed(plan: Plan, sources: dict[str, list[Stored]]) -> None:
    assert truth_of(plan, sources, [], LIMITS.timeline).missing_links


def test_what_the_archive_lacks_or_has_twice_is_noticed(truth: Truth, found: Found) -> None:
    assert found.archive is not None
    first, second, *rest = found.archive
    verdict = judge(truth, replace(found, archive=[second, second, *rest]))
    assert first not in rest
    assert +verdict.faults == {"lost in the archive": 1, "doubled in the archive": 1}
