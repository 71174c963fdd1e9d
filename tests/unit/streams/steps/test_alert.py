"""Alerts of the past: kept and not told, until the clock arrives and tells what still holds."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from models.conditions.rules import AlertRule
from models.segments.alerts import compile_alerts
from models.segments.held import Held
from profiles.consent import Consent
from profiles.documents import decode_profile, encode_profile
from profiles.store import Loaded
from profiles.stores.indexes import entries_of
from profiles.types import Absorb, AlertCommand, Erase, Profile, Record, Score, Split
from streams.kafka.topics import ALERTS
from streams.steps.alert import alert
from streams.steps.update import update
from streams.steps.work import SENT_BITS, Work
from tests.build import LIMITS

T0 = 1_700_000_000.0
DAY = 86400.0
RULES = [AlertRule(name="risky", threshold=0.6, cooldown=DAY, purpose=None)]


class Partition:
    """One partition in memory, what it told and what its index holds."""

    def __init__(self) -> None:
        self._steps = (update("EUR", LIMITS), alert(compile_alerts(RULES, "EUR", ()), Consent(), lambda: self.held))
        self.profiles = {"p": Profile("p"), "q": Profile("q")}
        self.told: list[dict[str, Any]] = []
        self.index: dict[str, str] = {}
        self.held = Held()
        self._offset = 0

    def look(self, day: float, risk: float, *records: Record, live: bool = False, arriving: bool = False) -> Work:
        """Look at `p` at the end of a step, or live, as of this risk."""
        for record in records:
            record.origin = ("profile.events", 0, self._offset << SENT_BITS)
            self._offset += 1
        work = Work(0, Loaded(profiles=self.profiles), 4)
        now = T0 + day * DAY
        held = self.profiles["p"]
        if not held.redirect:
            held.score = Score(risk, "high", now, "m1")
        work.begin(now, records, [held])
        work.gate, work.arriving = (0.0 if live else now), arriving
        for step in self._steps:
            step(work)
        self.told += [orjson.loads(output.value) for output in work.outputs if output.topic == ALERTS]
        for id_ in work.alerts_gone:
            self.index.pop(id_, None)
        self.index |= {id_: held.state for id_, (_, held) in work.alerts.items()}
        return work

    @property
    def states(self) -> list[str]:
        return [message["alert"]["state"] for message in self.told]

    @property
    def alert_id(self) -> str:
        return self.profiles["p"].alerts["risky"].id


def test_what_opened_and_ended_in_the_past_is_kept_and_never_told() -> None:
    partition = Partition()
    partition.look(0, 0.9)
    partition.look(1, 0.1)
    partition.look(2, 0.1, arriving=True)
    partition.look(3, 0.1, live=True)
    assert partition.told == []
    held = partition.profiles["p"].alerts["risky"]
    assert (held.state, held.opened, held.found) == ("cleared", T0, "load")
    assert partition.index == {held.id: "cleared"}


def test_what_still_holds_on_arrival_is_told_once_as_found_at_load() -> None:
    """With the time at which it opened; from then on as any other."""
    partition = Partition()
    partition.look(0, 0.9)
    assert partition.told == []
    partition.look(2, 0.9, arriving=True)
    partition.look(2, 0.9, arriving=True)
    partition.look(3, 0.9, live=True)
    [told] = partition.told
    assert (told["alert"]["state"], told["alert"]["found"]) == ("open", "load")
    assert told["alert"]["opened"] == "2023-11-14T22:13:20.000000Z"
    partition.look(4, 0.1, live=True)
    assert partition.states == ["open", "cleared"]
    assert partition.told[1]["alert"]["found"] == "load"


def test_what_opens_on_arrival_is_told_at_once_and_live_as_ever() -> None:
    partition = Partition()
    partition.look(0, 0.9, arriving=True)
    partition.look(1, 0.1, live=True)
    partition.look(3, 0.9, live=True)
    assert [(message["alert"]["state"], message["alert"]["found"]) for message in partition.told] == [
        ("open", "load"), ("cleared", "load"), ("open", None),
    ]  # fmt: skip


def test_what_was_told_before_an_outage_is_told_to_be_over_though_the_clock_is_behind() -> None:
    """What was told agrees with what is."""
    partition = Partition()
    partition.look(0, 0.9, live=True)
    partition.look(1, 0.1)
    assert partition.states == ["open", "cleared"]
    assert partition.told[-1]["alert"]["found"] is None


def test_an_alert_outlasts_that_its_customer_is_taken_apart() -> None:
    """Until what belongs to them has come back there is next to nothing of them, which says nothing about them; and an
    alert that ended by that would not open again before its cooldown is over."""
    partition = Partition()
    partition.look(0, 0.9, live=True)
    opened = partition.alert_id
    winners, theirs = {"p": "p", "q": "q"}, {"p": [("user_id", "p")], "q": [("user_id", "q")]}
    partition.look(1, 0.0, Split("p", "reset", "s", "p", T0, winners, theirs), live=True)
    partition.look(1, 0.0, Split("p", "moved", "s", "p", T0, home="q"), live=True)
    assert partition.states == ["open"]
    share = Absorb("p", "s:p", T0, msgspec.msgpack.encode(Profile("p")), split="s")
    partition.look(1, 0.9, share, live=True)
    assert (partition.states, partition.alert_id) == (["open"], opened)
    partition.look(2, 0.1, live=True)
    assert partition.states == ["open", "cleared"]


def test_an_alert_that_nobody_was_told_of_ends_in_silence_with_its_customer() -> None:
    """Erased, or merged into who has a weightier one."""
    erased = Partition()
    erased.look(0, 0.9)
    erased.look(1, 0.9, Erase("p", T0 + DAY), live=True)
    assert erased.told == []
    assert erased.index == {}

    merged = Partition()
    merged.look(1, 0.9)
    loser = Partition()
    loser.look(0, 0.9)
    state = msgspec.msgpack.encode(msgspec.structs.replace(loser.profiles["p"], id="l"))
    merged.look(2, 0.9, Absorb("p", "l", T0 + 2 * DAY, state))
    assert merged.told == []


def test_a_persons_decision_on_an_alert_of_the_past_is_told_and_so_is_its_end() -> None:
    partition = Partition()
    partition.look(0, 0.9)
    decision = AlertCommand("p", partition.alert_id, "acknowledge", T0 + DAY, by="kim")
    partition.look(1, 0.9, decision)
    partition.look(2, 0.1)
    assert partition.states == ["acknowledged", "cleared"]
    assert {message["alert"]["found"] for message in partition.told} == {"load"}


def test_a_rebuild_from_documents_knows_what_was_told() -> None:
    """History and index follow from the document alone."""
    partition = Partition()
    partition.look(0, 0.9)
    profile = partition.profiles["p"]
    read = decode_profile("p", encode_profile(profile))
    assert read.alerts == profile.alerts
    [held] = entries_of(read).alerts
    assert held.untold
    partition.profiles["p"] = read
    partition.look(1, 0.9, arriving=True)
    assert partition.states == ["open"]


def test_no_alert_of_a_held_rule_opens_or_ends() -> None:
    """Because workers have different plans. Who is held back is noted, so that somebody looks again."""
    partition = Partition()
    partition.held = Held(alerts=frozenset({"risky"}))
    assert partition.look(0, 0.9, live=True).held_back == {"p"}
    assert partition.told == []
    partition.held = Held()
    partition.look(1, 0.9, live=True)
    partition.held = Held(alerts=frozenset({"risky"}))
    assert partition.look(2, 0.1, live=True).held_back == {"p"}
    assert partition.states == ["open"]
    assert partition.look(3, 0.9, live=True).held_back == set()
