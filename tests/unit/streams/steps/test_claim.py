"""What every role comes to from a public source, signed and not, and from another: through the steps of ingest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from plan import ROLES, Plan, parse_plan
from plan.trust import BUSINESS, PERSONAL
from profiles.identity.signatures import signature_of
from profiles.state import apply
from profiles.types import Claim, Event, Identity, Profile
from streams.pipeline import ingest_pipeline, limits_of
from streams.settings import Settings
from streams.steps.intake import Intake
from tests.build import erased as erased_of
from tests.build import record

KEY = "0123456789abcdef"
EVENTS = "".join(
    f"  - {{name: {role}, sources: [web, shop], owner: o, description: d, why: w, role: {role}, "
    "properties: {worth: {type: money, description: d}, id: {type: id, description: d}, "
    "rating: {type: number, description: d}, purpose: {type: string, description: d}, "
    "granted: {type: boolean, description: d}}, facts: {amount: worth, subject: id, rating: rating}}\n"
    for role in ROLES
)
PLAN = f"""\
name: Claims
version: 1
verify_user_ids: optional
sources:
  web: {{description: Page, write_key: key-of-web, public: true}}
  shop: {{description: Server, write_key: key-of-shop, public: false}}
identities:
  - {{type: user_id, priority: 1, limit: 1, fields: [userId]}}
  - {{type: email, priority: 2, fields: [traits.email, context.traits.email], pii: email, held: plain}}
  - {{type: anonymous_id, priority: 3, fields: [anonymousId, previousId]}}
traits:
  email: {{type: string, description: d}}
  vip: {{type: boolean, description: d}}
  may_profile: {{type: boolean, description: d}}
consent:
  profiling: {{description: d, default: granted, trait: may_profile, category: profiling, owner: o, basis: b}}
events:
  - {{type: identify, sources: [web, shop], owner: o, description: d, why: w}}
  - {{type: alias, sources: [web, shop], owner: o, description: d, why: w}}
  - {{type: page, sources: [web, shop], owner: o, description: d, why: w, role: visit}}
{EVENTS}"""
SIGNED = {"userIdSignature": signature_of(KEY.encode(), "42")}
PROPERTIES = {"worth": 12.5, "id": "x1", "rating": 2, "purpose": "profiling", "granted": False}
USER, BROWSER = ("user_id", "42"), ("anonymous_id", "b")


class Unlinked:
    """A store in which nobody is linked."""

    async def met(
        self, identities: Sequence[Identity], stated: Sequence[Identity]
    ) -> tuple[dict[Identity, str], set[Identity]]:
        return {}, set()


@pytest.fixture(scope="module")
def plan() -> Plan:
    return parse_plan(PLAN, "plan.yaml", {"RAPPORT_USER_ID_KEY": KEY})


def intake(plan: Plan, source: str, raw: dict[str, Any], erased: Sequence[Identity] = ()) -> Intake:
    value = orjson.dumps({"userId": "42", "anonymousId": "b", "messageId": "m", "type": "track", **raw})
    batch = Intake(source, [record(value=value)], 9e9)
    asyncio.run(ingest_pipeline(plan, Unlinked(), erased_of(plan, *erased)).run(batch))
    assert not batch.rejected, batch.rejected
    return batch


def taken(plan: Plan, source: str, raw: dict[str, Any]) -> tuple[Event, Profile]:
    """The neutral event, and what the profile is that it comes to."""
    [item] = intake(plan, source, raw).items
    assert item.event is not None
    profile = Profile("p")
    apply(profile, item.event, "EUR", limits_of(Settings(), plan))
    return item.event, profile


def counted(profile: Profile) -> tuple[Any, ...]:
    """All that a role may add to."""
    return profile.roles, profile.purchases.orders, profile.purchases.refund_count, profile.tickets, profile.opinions


@pytest.mark.parametrize("role", ROLES)
def test_from_another_source_every_role_counts(plan: Plan, role: str) -> None:
    event, profile = taken(plan, "shop", {"event": role, "properties": PROPERTIES})

    assert (event.role, event.claim) == (role, None)
    assert profile.roles[role].count == 1
    assert bool(profile.traits) == (role == "consent")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("who", [{}, {"userId": None}])
def test_from_a_public_source_only_behaviour_counts(plan: Plan, role: str, who: dict[str, Any]) -> None:
    """Also of a visitor: whose they are, anybody may say later."""
    event, profile = taken(plan, "web", {"event": role, "properties": PROPERTIES, **who})

    if role in BUSINESS | PERSONAL:
        assert event.role == ""
        assert event.claim is not None
        assert event.claim.role == role
        assert counted(profile) == counted(Profile("p"))
    else:
        assert (event.role, event.claim) == (role, None)
        assert profile.roles[role].count == 1
    assert not profile.traits


@pytest.mark.parametrize("role", ROLES)
def test_with_a_signed_user_id_a_persons_own_word_counts(plan: Plan, role: str) -> None:
    event, profile = taken(plan, "web", {"event": role, "properties": PROPERTIES, "context": SIGNED})

    if role in BUSINESS:
        assert event.claim == Claim(role, named=True)
        assert counted(profile) == counted(Profile("p"))
    else:
        assert (event.role, event.claim) == (role, None)
        assert profile.roles[role].count == 1
    assert {name: value for name, (value, *_) in profile.traits.items()} == (
        {"consent.profiling": False} if role == "consent" else {}
    )


IDENTIFY = {"type": "identify", "traits": {"vip": True, "may_profile": False, "email": "a@x.nl"}}
SAID = {"vip": True, "may_profile": False, "email": "a@x.nl", "consent.profiling": False}


def test_traits_of_people_are_claimed(plan: Plan) -> None:
    """In the event, what it says and the address that it names beside the account are apart."""
    batch = intake(plan, "web", IDENTIFY)
    [item] = batch.items

    assert item.event is not None
    assert item.event.traits == {}
    assert item.event.claim == Claim("", SAID, [("email", "a@x.nl")], named=True)
    assert [request.identities for request in batch.links] == [[USER, BROWSER]]


@pytest.mark.parametrize(("source", "context"), [("shop", {}), ("web", SIGNED)])
def test_traits_count_of_who_is_signed_and_of_other_sources(plan: Plan, source: str, context: dict[str, Any]) -> None:
    """Two people become one only where one of ours says that they are."""
    batch = intake(plan, source, {**IDENTIFY, "context": context})
    [item] = batch.items

    assert item.event is not None
    assert item.event.traits == SAID
    linked = [USER, BROWSER] if source == "web" else [USER, ("email", "a@x.nl"), BROWSER]
    assert [request.identities for request in batch.links] == [linked]


def test_consent_in_the_context_of_any_event_is_claimed_with_it_alone(plan: Plan) -> None:
    """The visit itself counts."""
    context = {"consent": {"categoryPreferences": {"profiling": False}}}
    event, profile = taken(plan, "web", {"type": "page", "context": context})
    signed, known = taken(plan, "web", {"type": "page", "context": {**context, **SIGNED}})
    visitor, _ = taken(plan, "web", {"type": "page", "context": context, "userId": None})

    assert (event.role, event.claim) == ("visit", Claim("", {"consent.profiling": False}, named=True))
    assert plan.consent.allows(profile, "profiling")
    assert (signed.role, signed.claim) == ("visit", None)
    assert not plan.consent.allows(known, "profiling")
    assert visitor.claim == Claim("", {"consent.profiling": False}, named=False)


@pytest.mark.parametrize(
    ("source", "raw", "linked"),
    [
        ("web", {"type": "alias", "userId": "42", "previousId": "b"}, [USER, BROWSER]),
        ("web", {"type": "page", "context": {"traits": {"email": "v@x.nl"}}}, [USER, BROWSER]),
        ("web", {"type": "page", "userId": None, "context": {"traits": {"email": "v@x.nl"}}},
         [("email", "v@x.nl"), BROWSER]),
        ("shop", {"type": "page", "context": {"traits": {"email": "v@x.nl"}}}, [USER, ("email", "v@x.nl"), BROWSER]),
    ],
)  # fmt: skip
def test_no_event_of_a_public_source_makes_two_people_one(
    plan: Plan, source: str, raw: dict[str, Any], linked: list[Identity]
) -> None:
    assert [request.identities for request in intake(plan, source, raw).links] == [linked]


def test_a_forged_signature_is_remarked_and_the_event_is_the_browsers(plan: Plan) -> None:
    batch = intake(plan, "web", {"type": "page", "context": {"userIdSignature": "0" * 64}})
    [item] = batch.items

    assert item.event is not None
    assert (item.event.profile, item.event.identities) == (plan.home(BROWSER), [BROWSER])
    assert item.event.violations == ["context.userIdSignature: is not the signature of this userId"]
    assert item.event.claim == Claim("", {}, [USER], named=True)
    assert not batch.links


def test_who_was_erased_is_not_named_in_a_claim(plan: Plan) -> None:
    batch = intake(plan, "web", IDENTIFY, erased=[("email", "a@x.nl")])
    [item] = batch.items

    assert item.event is not None
    assert item.event.claim is not None
    assert item.event.claim.identities == []
