"""What a profile takes in, and what it knows for a repeat."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from models.segments.alerts import alert_id
from profiles.store import Loaded
from profiles.types import (
    ERASED,
    Absorb,
    Alert,
    AlertCommand,
    Case,
    CaseEntry,
    Erase,
    Profile,
    Record,
    Split,
    Splitting,
)
from streams.kafka.topics import ALERTS, CASES, PROFILE_EVENTS
from streams.records.happened import read_record
from streams.records.told import ToldOf
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


OPEN = Alert("a1", "lost", "open", 1.0, 1.0, 0.5)
CASE = Case("cs_home_1", "retention", "new", 1.0, 3.0, {"lost": 1.0}, history=[CaseEntry(3.0, "opened")])
BUSY = msgspec.msgpack.encode(Profile("home", alerts={"lost": OPEN}, case=CASE))


def told(work: Work, topic: str, what: str) -> list[tuple[str, str, str]]:
    found: list[dict[str, Any]] = [orjson.loads(output.value) for output in work.outputs if output.topic == topic]
    return [(one["profile"], one[what]["id"], one[what]["state"]) for one in found]


def run(work: Work, *records: Record) -> Work:
    for offset, record in enumerate(records):
        record.origin = ("profile.events", 0, offset << SENT_BITS)
    work.begin(9.0, records)
    update("EUR", LIMITS)(work)
    return work


@pytest.mark.parametrize(
    "winner",
    [
        pytest.param(Profile("winner"), id="who has none"),
        pytest.param(
            Profile("winner", splitting=Splitting("s", {"home": "winner", "winner": "winner"}, {}, ["home"], {})),
            id="who is taken apart",
        ),
    ],
)
def test_the_alerts_and_the_case_of_whom_a_merge_brings_are_the_winners(winner: Profile) -> None:
    """Also where what it brings is computed anew, for no event tells of them."""
    work = run(Work(0, Loaded(profiles={"winner": winner}), 4), Absorb("winner", "home", 5.0, BUSY))
    assert (winner.alerts, winner.case) == ({"lost": OPEN}, CASE)
    assert work.alerts == {"a1": ("winner", OPEN)}
    assert told(work, CASES, "case") == [("winner", "cs_home_1", "new")]


def test_who_acts_on_somebody_who_is_merged_into_an_erased_customer_hears_that_it_is_over() -> None:
    work = run(
        Work(0, Loaded(profiles={"winner": Profile("winner", redirect=ERASED)}), 4), Absorb("winner", "home", 5.0, BUSY)
    )
    assert told(work, ALERTS, "alert") == [("winner", "a1", "cleared")]
    assert told(work, CASES, "case") == [("winner", "cs_home_1", "erased")]


def test_an_erasure_tells_of_the_case_nothing_but_that() -> None:
    held = msgspec.msgpack.decode(BUSY, type=Profile)
    work = run(Work(0, Loaded(profiles={"home": held}), 4), Erase("home", 5.0))
    assert told(work, CASES, "case") == [("home", "cs_home_1", "erased")]
    (case,) = [orjson.loads(output.value)["case"] for output in work.outputs if output.topic == CASES]
    assert (case["history"], case["notes"], case["rules"], case["reasons"]) == ([], [], {}, [])
    assert case["changed"] > "1970-01-01T00:00:03.000000Z"  # later than all that was told of it
    assert work.profiles["home"].case is None


WINNERS = {"home": "home", "other": "other"}
RESET = Split("home", "reset", "s", "home", 5.0, WINNERS, {"home": [], "other": []})
MOVE = Split("other", "move", "s", "home", 5.0, WINNERS, {"other": []}, (0, 1))


def test_a_case_stays_with_the_customer_who_is_taken_apart() -> None:
    held = msgspec.msgpack.decode(BUSY, type=Profile)
    work = run(Work(0, Loaded(profiles={"home": held}), 4), RESET)
    assert (work.profiles["home"].case, work.profiles["home"].alerts) == (CASE, {"lost": OPEN})
    assert told(work, CASES, "case") == []
    work = run(Work(1, Loaded(profiles={"other": Profile("other", redirect="home")}), 4), MOVE)
    assert work.profiles["other"].case is None


THEIRS = Alert(alert_id("other", "lost", 2.0), "lost", "acknowledged", 2.0, 3.0, 0.5, by="kim")
THEIR_CASE = Case("cs_other_7d0", "retention", "acknowledged", 2.0, 3.0, {"lost": 2.0}, assignee="kim")


def sent(work: Work, kind: type[Any]) -> list[Any]:
    records = [read_record(output.value) for output in work.outputs if output.topic == PROFILE_EVENTS]
    return [record for record in records if type(record) is kind]


def test_an_alert_and_a_case_that_a_merge_has_brought_go_back_with_their_home() -> None:
    """Under the ids that others know, with what people decided; so they are told of nothing once more."""
    held = Profile("home", alerts={"lost": THEIRS, "quiet": OPEN}, case=THEIR_CASE)
    work = run(Work(0, Loaded(profiles={"home": held}), 4), RESET)
    apart = work.profiles["home"]
    assert (apart.alerts, apart.case) == ({"quiet": OPEN}, None)
    assert work.alerts_gone == [THEIRS.id]
    back, moved = sent(work, Absorb)[0], sent(work, Split)[0]
    assert (back.profile, back.matters, moved.profile, moved.phase) == ("other", True, "other", "move")
    assert back.origin > moved.origin

    theirs = run(Work(1, Loaded(profiles={"other": Profile("other", redirect="home")}), 4), MOVE, back)
    assert (theirs.profiles["other"].alerts, theirs.profiles["other"].case) == ({"lost": THEIRS}, THEIR_CASE)
    assert theirs.alerts == {THEIRS.id: ("other", THEIRS)}
    assert told(theirs, CASES, "case") == [("other", THEIR_CASE.id, "acknowledged")]
    assert told(theirs, ALERTS, "alert") == []


def test_what_a_merge_from_before_a_split_brings_goes_on_to_whose_home_it_began_with() -> None:
    """Also where that is not known any more: the home knows, and brings it to who has it, even if it comes back."""
    state = msgspec.msgpack.encode(Profile("other", alerts={"lost": THEIRS}, case=THEIR_CASE))
    late = Absorb("home", "other", 5.0, state, position=1)
    apart = Profile("home", splitting=Splitting("s", WINNERS, {}, ["other"], {}))
    [on] = sent(run(Work(0, Loaded(profiles={"home": apart}), 4), late), Absorb)
    assert (on.profile, on.matters, apart.alerts, apart.case) == ("other", True, {}, None)

    done = Profile("home", splitting=Splitting("s", {}, {}, [], {"other": (1, 9)}, done=True))
    [on] = sent(run(Work(0, Loaded(profiles={"home": done}), 4), late), Absorb)
    assert (on.profile, done.alerts) == ("other", {})
    back = msgspec.structs.replace(on, profile="home")
    assert not sent(run(Work(0, Loaded(profiles={"home": done}), 4), back), Absorb)
    assert (done.alerts, done.case) == ({"lost": THEIRS}, THEIR_CASE)


def test_a_decision_that_comes_as_an_alert_has_gone_on_follows_it() -> None:
    apart = Profile(
        "home", splitting=Splitting("s", WINNERS, {}, [], handed={THEIRS.id: "other", THEIR_CASE.id: "other"})
    )
    commands = (
        AlertCommand("home", THEIRS.id, "resolve", 6.0),
        AlertCommand("home", "", "note", 6.0, case=THEIR_CASE.id),
    )
    work = run(Work(0, Loaded(profiles={"home": apart}), 4), *commands)
    assert [(one.profile, one.alert, one.case) for one in sent(work, AlertCommand)] == [
        ("other", THEIRS.id, ""), ("other", "", THEIR_CASE.id),
    ]  # fmt: skip


def test_what_went_on_is_not_taken_for_lost_until_it_comes_back() -> None:
    """A worker that takes over reads again what was told last, also what was told of it as another's."""
    held = Profile("home", alerts={"lost": THEIRS}, case=THEIR_CASE)
    apart = run(Work(0, Loaded(profiles={"home": held}), 4), RESET).profiles["home"]
    words = ToldOf(alerts={THEIRS.id: THEIRS}, cases={THEIR_CASE.id: THEIR_CASE})
    assert not words.differs(apart)
    words.adopt(apart)
    assert (apart.alerts, apart.case) == ({}, None)
    assert words.differs(Profile("home"))

    state = msgspec.msgpack.encode(Profile("other", alerts={"lost": THEIRS}, case=THEIR_CASE))
    run(Work(0, Loaded(profiles={"home": apart}), 4), Absorb("home", "third", 9.0, state))
    assert (apart.alerts, apart.splitting and apart.splitting.handed) == ({"lost": THEIRS}, {})


def test_of_two_cases_that_become_one_the_end_is_later_than_all_that_was_told_of_it() -> None:
    """It is told from another partition, and nobody reads partitions in one order."""
    ours = Case("cs_winner_0", "retention", "new", 0.0, 3.0, {"lost": 0.0}, history=[CaseEntry(3.0, "opened")])
    winner = Profile("winner", case=ours)
    work = run(Work(0, Loaded(profiles={"winner": winner}), 4), Absorb("winner", "home", 3.0, BUSY))
    assert told(work, CASES, "case") == [("winner", "cs_home_1", "cleared"), ("winner", "cs_winner_0", "new")]
    ended, _ = [orjson.loads(output.value)["case"] for output in work.outputs if output.topic == CASES]
    assert ended["changed"] == "1970-01-01T00:00:03.000001Z"
