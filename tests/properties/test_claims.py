"""Claims and what confirms them, in any order and over any split: through ingest, homes, merges and the timeline."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from console.views.timeline import timeline_view
from plan import load_plan
from profiles.claims import believed_traits
from profiles.merge import merge
from profiles.state import apply, remember
from profiles.types import Event, Profile, event_digest
from streams.judge import Judge
from streams.pipeline import limits_of
from streams.settings import Settings
from tests import REPOSITORY
from tests.build import record
from tests.properties.test_order_free import canonical, same

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})
LIMITS = limits_of(Settings(timeline=24), PLAN)
NOW = 1_800_000_000.0
JUDGE = Judge(PLAN, NOW)


class Told(NamedTuple):
    """One event of the customer, whose account is 42 and whose browser is b."""

    source: str
    what: str
    subject: str
    known: bool  # by the account, else by the browser
    minute: int


told = st.builds(
    Told,
    st.sampled_from(["web", "purchase", "support"]),
    st.sampled_from(["order", "complaint", "consent", "traits", "visit"]),
    st.sampled_from(["1", "2", "3"]),
    st.booleans(),
    st.integers(0, 30),
)


def raw(number: int, one: Told) -> dict[str, Any]:
    who = {"userId": "42"} if one.known else {"anonymousId": "b"}
    event: dict[str, Any] = {
        "order": {"event": "Order Completed", "properties": {"order_id": one.subject, "revenue": 10}},
        "complaint": {"event": "Complaint Received", "properties": {"ticket_id": one.subject}},
        "consent": {
            "event": "Consent Updated",
            "properties": {"purpose": "profiling", "granted": one.subject == "1"},
        },
        "traits": {"type": "identify", "traits": {"country": "NL", "title": f"{number}"}},
        "visit": {"event": "Signed In"},
    }[one.what]
    return {"type": "track", "messageId": f"m{number}", "timestamp": NOW - 3600 + 60 * one.minute, **who, **event}


def neutral(history: Sequence[Told]) -> list[Event]:
    """What ingest makes of the events that the plan lets come from their sources."""

    async def judged() -> list[Event]:
        found = []
        for source in ("web", "purchase", "support"):
            records = [
                record(number, orjson.dumps(raw(number, one)), at=NOW, topic=f"events.{source}")
                for number, one in enumerate(history)
                if one.source == source
            ]
            batch = await JUDGE.intake(source, records)
            found += [item.event for item in batch.items if item.event is not None]
        return found

    return asyncio.run(judged())


def whole(events: Sequence[Event], random: Any) -> Profile:
    """The customer, when the events arrive in this order, each at its home, and the browser's home is merged away."""
    homes: dict[str, Profile] = {}
    for event in events:
        home = homes.setdefault(event.profile, Profile(event.profile))
        if remember(home, event_digest(event.source, event.id), LIMITS.seen):
            apply(home, event, PLAN.currency, LIMITS)
    profiles = sorted(homes.values(), key=lambda profile: profile.id)
    random.shuffle(profiles)
    customer, *others = profiles
    for other in others:
        merge(customer, other, LIMITS)
    return customer


@settings(max_examples=100, deadline=None)
@given(st.lists(told, min_size=1, max_size=16), st.randoms(use_true_random=False))
def test_claims_never_count_and_are_confirmed_whatever_comes_first(history: list[Told], random: Any) -> None:
    """What counts is what there would be without the claims. A claim is confirmed exactly if another source has said
    the same of the same; the customer is a person as soon as one event names them."""
    events = neutral(history)
    if not events:
        return
    again = events + [random.choice(events) for _ in range(4)]
    random.shuffle(again)
    first, second = whole(events, random), whole(again, random)
    second.id = first.id
    assert same(canonical(first), canonical(second))

    believed = [event for event in events if event.claim is None or not event.claim.role]
    without = whole(believed, random) if believed else Profile("p")
    assert same(
        [first.purchases.orders, first.purchases.revenue, first.purchases.recent, _counts(first)],
        [without.purchases.orders, without.purchases.revenue, without.purchases.recent, _counts(without)],
    )

    said = {(event.role, event.subject) for event in events if event.role and event.subject}
    claims = {(e.claim.role, e.subject) for e in events if e.claim is not None and e.claim.role and e.subject}
    shown = [event for event in timeline_view(first, 24, PLAN) if event.claimed and event.about]
    assert shown == [event for event in timeline_view(second, 24, PLAN) if event.claimed and event.about]
    assert {(event.role, event.about) for event in shown if event.claimed == "confirmed"} <= claims & said
    assert {(event.role, event.about) for event in shown if event.claimed == "unconfirmed"} <= claims - said

    if any(("user_id", "42") in event.identities for event in events):
        assert believed_traits(first).keys() == {name for event in events for name in event.traits}


def _counts(profile: Profile) -> dict[str, int]:
    return {role: tally.count for role, tally in profile.roles.items()}


def test_an_order_that_is_claimed_and_placed_counts_once_in_either_order() -> None:
    """The example behind it all: the thank-you page and the order system."""
    events = neutral([Told(source, "order", "1", known=True, minute=3) for source in ("web", "purchase")])

    for history in (events, events[::-1]):
        profile = Profile("p")
        for event in history:
            apply(profile, event, PLAN.currency, LIMITS)
        assert profile.purchases.orders == 1
        assert {event.source: event.claimed for event in timeline_view(profile, 24, PLAN)} == {
            "web": "confirmed",
            "purchase": None,
        }
