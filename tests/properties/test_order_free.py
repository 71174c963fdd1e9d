"""A profile is a function of the set of its events: any order, any repetition, any split over profiles that merge."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.ledger.entries import entries_of
from profiles.merge import merge
from profiles.money import Rates
from profiles.state import Limits, apply, remember
from profiles.timeline import latest_events
from profiles.traces.begun import code_of
from profiles.traces.taking import LOOKED, Tracing
from profiles.types import Claim, Event, Profile, Terms, event_digest

pytestmark = pytest.mark.slow

START = 1_700_000_000.0
LIMITS = Limits(
    timeline=8,
    seen=64,
    tickets=16,
    recent=8,
    windows={"visit": 3, "refund": 2, "purchase": 3, "purchase?games": 2},
    rates=Rates("EUR", {START: {"USD": 0.5}, START + 180 * 86400.0: {"USD": 0.75}}),
    on_repeat={"purchase": "first", "payment": "each"},
    persons=frozenset({"user_id"}),
    prices=2,
    used=2,
    narrowed={
        "purchase": lambda event: ["purchase?games"] if event.category == "Games" else [],
        "visit": lambda event: ["visit?web"] if event.source == "web" else [],
    },
    parts=frozenset({"purchase?games", "visit?web"}),
    tracing=Tracing(
        left={
            "purchase": lambda event: [("bought", event.category, "")] if event.category else [],
            "csat": lambda event: [("csat", event.subject, "")],
            "nps": lambda event: [("nps", event.source, "")],
            "contact_made": lambda event: [("contact", event.source, "phone" if event.quantity > 4 else "")],
            "search": lambda event: [("search", f"thing {event.quantity}", "")],
            "view": lambda event: [(LOOKED, f"thing {event.quantity}", ""), ("missing", event.source, "")],
        },
        channels=frozenset({"phone"}),
        begun=lambda event: code_of("direct", event.source, ""),
    ),
)
SOURCES = ["web", "app", "support", "purchase"]
ROLES = [
    "",
    "visit",
    "search",
    "view",
    "purchase",
    "refund",
    "ticket_opened",
    "ticket_solved",
    "ticket_reopened",
    "csat",
    "nps",
    "contact_made",
    "payment",
    "subscription_start",
    "subscription_cancel",
    "subscription_renew",
    "subscription_pause",
    "subscription_change",
    "feature_use",
]
PAID = ("purchase", "refund", "subscription_start", "subscription_renew", "subscription_change")
TERMS = st.none() | st.builds(
    Terms,
    st.none() | st.integers(0, 9).map(lambda month: START + month * 30 * 86400),
    st.sampled_from(["", "month", "year"]),
    st.none() | st.integers(1, 3),
    st.none() | st.integers(0, 2),
)
SUBJECTS = {
    "purchase": "order", "refund": "order", "payment": "payment", "subscription": "subscription", "feature": "feature",
}  # fmt: skip


def money(role: str) -> st.SearchStrategy[dict[str, Any]]:
    """An amount, if it is of an order or a refund, and if the report says one."""
    amounts = st.sampled_from([300, 700]) if role == "refund" else st.integers(0, 100_000)  # several may tell of one
    said = st.fixed_dictionaries({"amount": amounts, "currency": st.sampled_from(["EUR", "USD"])})
    return st.just({}) | said if role in PAID else st.just({})


def _about(draw: st.DrawFn, role: str) -> str:
    """What is reported, often the same as before; some reports do not say."""
    about = SUBJECTS.get(role.partition("_")[0], "")
    return about and draw(st.sampled_from(["", f"{about} 1", f"{about} 2", f"{about} 3"]))


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """Up to 16 events of one customer over a year, some at the very same moment."""
    made = []
    for number in range(draw(st.integers(1, 16))):
        role = draw(st.sampled_from(ROLES))
        days = draw(st.integers(0, 40)) * 9 + draw(st.sampled_from([0.0, 0.4])) * (role == "refund")
        time = draw(st.sampled_from([0.0, START])) + days * 86400.0  # 0 is a time like any other
        claim = None
        if draw(st.integers(0, 3)) == 0:  # of a public source
            said = draw(st.dictionaries(st.sampled_from(["a", "b", "consent.x"]), st.integers(0, 3), max_size=2))
            claim, role = Claim(role, said, draw(st.sampled_from([[], [("email", "x")]]))), ""
        made.append(
            Event(
                profile="p" * 32,
                id=f"m{number}",
                source=draw(st.sampled_from(SOURCES)),
                type=draw(st.sampled_from(["track", "track", "identify"])),
                name=role or "Something",
                role=role,
                time=time,
                received=time,
                identities=[(draw(st.sampled_from(["user_id", "anonymous_id"])), draw(st.sampled_from(["1", "2"])))],
                claim=claim,
                traits=draw(st.dictionaries(st.sampled_from(["a", "b"]), st.none() | st.integers(0, 3), max_size=2)),
                **draw(money(role)),
                quantity=float(draw(st.integers(0, 9))),
                subject=draw(st.sampled_from(["t1", "t2", "t3"])) if role.startswith("ticket") else _about(draw, role),
                rating=float(draw(st.integers(1, 5))) if role in ("csat", "nps") else None,
                category=draw(st.sampled_from(["", "Games", "Books", "Food"])) if role == "purchase" else "",
                refund=draw(st.sampled_from(["", "r1", "r2"])) if role == "refund" else "",
                terms=draw(TERMS) if role.startswith("subscription") else None,
                shown=draw(st.dictionaries(st.sampled_from(["plan", "note"]), st.integers(0, 3), max_size=2)),
            )
        )
    return made


def fold(history: list[Event], id_: str = "p" * 32) -> Profile:
    profile = Profile(id_)
    for event in history:
        digest = event_digest(event.source, event.id)
        if remember(profile, digest, LIMITS.seen):
            apply(profile, event, "EUR", LIMITS)
    return profile


def canonical(profile: Profile) -> Any:
    """What a profile says, without what may differ: the order of the kept timeline, and the memory of repeats, which
    stays where the events arrived."""
    held = msgspec.structs.replace(profile, seen=b"", timeline=b"", timeline_count=0)
    timelines: list[Any] = [latest_events(profile, LIMITS.timeline)]
    if profile.claims is not None:
        held.claims = msgspec.structs.replace(profile.claims, timeline=b"", timeline_count=0)
        timelines.append(latest_events(profile.claims, LIMITS.timeline))
    if profile.ledger is not None:
        held.ledger = None
        timelines.append(sorted(entries_of(profile.ledger), key=repr))
    return msgspec.to_builtins(held), msgspec.to_builtins(timelines)


def same(left: Any, right: Any) -> bool:
    """Equal, floats to 1e-9 relative."""
    if isinstance(left, float) and isinstance(right, (float, int)):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(left, dict):
        return isinstance(right, dict) and left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


@settings(max_examples=100, deadline=None)
@given(events(), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_give_the_same_profile(history: list[Event], random: Any) -> None:
    """Shuffled, and with events repeated anywhere, the same events give the same profile."""
    again = history + [random.choice(history) for _ in range(5)]
    random.shuffle(again)

    assert same(canonical(fold(history)), canonical(fold(again)))


@settings(max_examples=100, deadline=None)
@given(events(), st.randoms(use_true_random=False))
def test_any_split_that_merges_gives_the_same_profile(history: list[Event], random: Any) -> None:
    """Events that arrived at two profiles which then merged give what one profile would have become."""
    mine = [event for event in history if random.random() < 0.5]
    theirs = [event for event in history if event not in mine]
    random.shuffle(theirs)
    winner, loser = fold(mine), fold(theirs, "q" * 32)

    merge(winner, loser, LIMITS)

    assert same(canonical(fold(history)), canonical(winner))


@settings(max_examples=100, deadline=None)
@given(events(), st.randoms(use_true_random=False))
def test_the_order_of_merges_does_not_show(history: list[Event], random: Any) -> None:
    """Three fragments merge to the same profile whichever comes first."""
    parts: dict[str, list[Event]] = {"p": [], "q": [], "r": []}
    for event in history:
        parts[random.choice("pqr")].append(event)

    def merged(*order: str) -> Profile:
        winner = fold(parts["p"])
        for name in order:
            merge(winner, fold(parts[name], name * 32), LIMITS)
        return winner

    assert same(canonical(merged("q", "r")), canonical(merged("r", "q")))


def test_a_removed_trait_does_not_come_back_with_a_late_event() -> None:
    """A trait set to null stays removed when an older value arrives afterwards."""
    profile = fold([])
    base = Event("p" * 32, "m1", "web", "identify", "identify", "", START + 10, START + 10, traits={"city": None})
    late = Event("p" * 32, "m2", "web", "identify", "identify", "", START, START + 20, traits={"city": "Delft"})
    for event in (base, late):
        apply(profile, event, "EUR", LIMITS)

    assert profile.traits["city"][0] is None
