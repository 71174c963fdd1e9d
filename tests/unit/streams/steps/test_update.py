"""What a profile takes in, and what it knows for a repeat."""

from __future__ import annotations

import msgspec

from profiles.store import Loaded
from profiles.types import Absorb, Profile, Splitting
from streams.steps.update import update
from streams.steps.work import SENT_BITS, Work
from tests.build import LIMITS, customer, event

STATE = msgspec.msgpack.encode(customer(event("visit", 1), id="home"))
MERGED = msgspec.msgpack.encode(Profile("home", splits=["s1:home"]))


def test_a_share_that_comes_again_behind_a_merge_from_before_a_cutover_is_a_repeat() -> None:
    """The merge is left out, for what it brings is computed anew; but its share is known from then on."""
    winner = Profile("winner", splitting=Splitting("s2", {}, {}, ["home"], {}))
    work = Work(0, Loaded(profiles={"winner": winner}), 4)
    merged = Absorb("winner", "home", 1.0, MERGED, position=7)
    again = Absorb("winner", "s1:home", 1.0, STATE, split="s1")
    for offset, record in enumerate((merged, again)):
        record.origin = ("profile.events", 0, offset << SENT_BITS)
    work.begin(2.0, [merged, again])
    update("EUR", LIMITS)(work)

    assert work.profiles["winner"].activity == {}
    assert work.profiles["winner"].splits == ["s1:home"]


def test_a_share_is_taken_in_once() -> None:
    winner = Profile("winner", splitting=Splitting("s1", {}, {}, [], {}))
    work = Work(0, Loaded(profiles={"winner": winner}), 4)
    shares = [Absorb("winner", "s1:winner", 1.0, STATE, split="s1") for _ in range(2)]
    for offset, record in enumerate(shares):
        record.origin = ("profile.events", 0, offset << SENT_BITS)
    work.begin(2.0, shares)
    update("EUR", LIMITS)(work)

    assert work.profiles["winner"].activity["web"].count == 1
    assert work.profiles["winner"].splitting.done


def test_a_further_report_of_an_order_is_counted_as_folded() -> None:
    """It is no repeat: it is another message, and changes the profile."""
    reports = [
        event("purchase", day, profile="p", id=id_, subject="o1", amount=500) for day, id_ in ((1, "a"), (2, "b"))
    ]
    work = Work(0, Loaded(), 4)
    for offset, record in enumerate(reports):
        record.origin = ("profile.events", 0, offset << SENT_BITS)
    work.begin(2.0, reports)
    update("EUR", LIMITS)(work)

    assert work.outcomes == {"applied": 1, "folded": 1}
    assert work.profiles["p"].purchases.orders == 1
    assert list(work.touched) == ["p"]
