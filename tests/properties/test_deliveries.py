"""Whatever is killed when: each alert is told at least once under one id, and a customer's in order."""

from __future__ import annotations

import random
from typing import Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plan.sinks.kinds import WebhookSink
from plan.sinks.sink import TalkingSink
from streams.records.deliveries import Delivery, Entry, Letter, Position, decode_delivery, encode_delivery, key_of
from streams.sinks.deciding.holding import Holding, Taken
from streams.sinks.deciding.ledger import Ledger
from streams.sinks.deciding.patience import wait_after

pytestmark = pytest.mark.quick


class Chat(TalkingSink):
    type: Literal["chat"]


SPECS = {"single": WebhookSink(type="webhook"), "joined": Chat(type="chat")}


class Killed(Exception):
    """The process ends between two things that it does."""


class World:
    """Topic `alerts`, topic `deliveries`, a receiver, and an owner that is killed after so many steps of each life.

    Args:
        entries: what is on `alerts`.
        lives: how many steps each owner lives; the last one lives for ever.
        compact: keep only the newest record of each key between two lives.
        refuses: of each attempt, whether the receiver refuses it.
    """

    def __init__(self, kind, entries, lives, compact, refuses):
        self.holding = Holding("s", SPECS[kind], [])
        self.entries, self.lives, self.compact, self.refuses = entries, lives, compact, refuses
        self.log: list[bytes] = []
        self.keys: list[bytes] = []
        self.arrived: list[Letter] = []
        self.now = 1000.0
        self.left: int | None = None

    def run(self):
        for life in [*self.lives, None]:
            self.left = life
            try:
                self.live()
            except Killed:
                if self.compact:
                    newest = {key: at for at, key in enumerate(self.keys)}
                    kept = sorted(newest.values())
                    self.log, self.keys = [self.log[at] for at in kept], [self.keys[at] for at in kept]
                continue
            return

    def step(self):
        if self.left is not None:
            if self.left == 0:
                raise Killed
            self.left -= 1

    def write(self, ledger: Ledger, records: list[Delivery], *, apply=True):
        if apply:
            for record in records:
                ledger.apply(record)
        for record in records:  # any prefix of them may be written
            self.step()
            self.log.append(encode_delivery(record))
            self.keys.append(key_of(record))

    def live(self):
        ledger = Ledger("s")
        for value in self.log:
            ledger.apply(decode_delivery(value))
        ledger.recover()
        while True:
            at = ledger.offsets.get("alerts", {}).get(0, 0)
            if at < len(self.entries):
                decided: list[Delivery] = []
                for entry in self.entries[at : at + 3]:
                    for records in (
                        lambda entry=entry: self.holding.take(ledger, Taken(entry), self.now),
                        lambda: self.holding.due(ledger, self.now),
                    ):
                        made = records()
                        for record in made:
                            ledger.apply(record)
                        decided += made
                end = min(at + 3, len(self.entries))
                position = Position("s", {"alerts": {0: end}}, self.now)
                ledger.apply(position)
                self.write(ledger, [*decided, position], apply=False)
            self.write(ledger, self.holding.due(ledger, self.now))
            while (letter := ledger.take_ready(self.now)) is not None:
                self.attempt(ledger, letter)
            if at >= len(self.entries) and not ledger.letters and not ledger.waiting:
                return
            later = ledger.next_time()
            self.now = max(self.now + 0.1, later if later is not None else self.now)

    def attempt(self, ledger: Ledger, letter: Letter):
        trying = msgspec.structs.replace(letter, state="trying", tries=letter.tries + 1)
        self.write(ledger, [trying])
        self.step()
        refused = self.refuses.pop() if self.refuses else False
        if not refused:
            self.arrived.append(letter)
            self.step()
            done = msgspec.structs.replace(trying, state="delivered")
        else:
            wait = wait_after(letter.id, trying.tries)
            done = msgspec.structs.replace(
                trying, state="dead" if wait is None else "again", next=self.now + (wait or 0)
            )
        self.write(ledger, [done], apply=False)
        ledger.apply(done)


def alerts(seed: int, customers: int) -> list[Entry]:
    """Alerts of some customers that open and end, in any order that keeps each alert's and each customer's."""
    chosen = random.Random(seed)
    per: list[list[Entry]] = []
    for customer in range(customers):
        mine = []
        for number in range(chosen.randint(1, 3)):
            about, rule = f"a{customer}.{number}", f"r{chosen.randint(0, 1)}"
            ways = [["alert.opened"], ["alert.opened", "alert.acknowledged"], ["alert.opened", "alert.cleared"]]
            mine += [
                Entry(f"{about}:{type_}", type_, 1000.0, f"c{customer}", about, rule, value=chosen.randint(0, 9))
                for type_ in chosen.choice(ways)
            ]
        per.append(mine)
    found = []
    while any(per):
        found.append(chosen.choice([mine for mine in per if mine]).pop(0))
    return found


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["single", "joined"]),
    st.integers(0, 10_000),
    st.integers(1, 5),
    st.lists(st.integers(0, 40), max_size=6),
    st.booleans(),
    st.lists(st.booleans(), max_size=8),
)
def test_each_is_told_at_least_once_under_one_id_and_in_order(kind, seed, customers, lives, compact, refuses):
    entries = alerts(seed, customers)
    world = World(kind, entries, lives, compact, refuses)
    world.run()

    told: dict[str, str] = {}  # entry → id of the message that told it
    first: dict[str, int] = {}  # message → place of its first arrival
    for place, letter in enumerate(world.arrived):
        first.setdefault(letter.id, place)
        for entry in letter.entries:
            assert told.setdefault(entry.id, letter.id) == letter.id, "one id"
    all_are_told(entries, told, every=kind == "single")
    in_order(entries, told, first, whole=kind == "single")
    no_old_one_after_a_new_one(world.arrived, first)
    assert len(world.arrived) - len(first) <= len(lives), "a kill repeats at most what was under way"


def all_are_told(entries, told, *, every):
    """Only what is over before it is told is told nobody; who was told of the opening is told of the end."""
    ended = {entry.about for entry in entries if entry.type != "alert.opened"}
    opened = {entry.about for entry in entries if entry.type == "alert.opened" and entry.id in told}
    for entry in entries:
        if entry.type == "alert.opened":
            assert entry.id in told or (entry.about in ended and not every)
        else:
            assert (entry.id in told) == (entry.about in opened)


def in_order(entries, told, first, *, whole):
    """A customer's, where each is told by itself; else those of an alert."""
    groups: dict[str, list[int]] = {}
    for entry in entries:
        if entry.id in told:
            groups.setdefault(entry.profile if whole else entry.about, []).append(first[told[entry.id]])
    for places in groups.values():
        assert places == sorted(places)


def no_old_one_after_a_new_one(arrived, first):
    newest: dict[str, int] = {}
    for letter in arrived:
        for entry in letter.entries:
            assert first[letter.id] >= newest.get(entry.profile, -1)
            newest[entry.profile] = first[letter.id]
