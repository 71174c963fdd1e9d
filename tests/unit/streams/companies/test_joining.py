"""Companies joined by hand: what counts where until it is taken back, in any order and however large they are."""

from __future__ import annotations

from copy import deepcopy
from itertools import permutations
from typing import Any

import msgspec
import pytest

from profiles.store import Loaded
from profiles.types import (
    Alert,
    Case,
    CaseEntry,
    Company,
    Erase,
    Event,
    Grouping,
    Join,
    Profile,
    Score,
    Share,
    Stay,
    is_cell,
    is_company,
    is_joined,
    is_shown,
)
from streams.kafka.topics import ALERTS, CASES, PROFILE_EVENTS, SEGMENT_CHANGES
from streams.records.happened import read_record
from streams.steps.update import update
from streams.steps.work import Work
from tests.build import event
from tests.unit.streams.companies.test_shares import LIMITS, WHOLE, run


def visits(company: str, members: int, day: float = 1.0, **traits: str) -> list[Event]:
    return [
        event(
            "visit",
            day,
            profile=f"{company}{number}",
            id=f"{company} {number} {day}",
            group=Grouping(company, traits=dict(traits)),
        )
        for number in range(members)
    ]


def word(one: str, into: str, time: float = 9.0) -> Join:
    return Join(f"~{one}", one, f"~{into}" if into else "", into, time, "kim", "one house")


def counted(held: dict[str, Profile], key: str) -> int:
    return sum(activity.count for activity in held[f"~{key}"].activity.values())


def said(held: dict[str, Profile]) -> Any:
    """What the companies say, without how."""
    return {
        id_: (counted(held, id_[1:]), {name: value for name, (value, *_) in one.traits.items()}, one.company.team)
        for id_, one in held.items()
        if is_company(id_) and not is_cell(id_) and one.company is not None
    }


@pytest.mark.parametrize("batch", [1, 4, 100])
@pytest.mark.parametrize(("ours", "theirs"), [(2, 3), (2, WHOLE + 3), (WHOLE + 3, 2), (WHOLE + 2, WHOLE + 3)])
def test_a_company_that_is_another_counts_there_until_that_is_taken_back(ours: int, theirs: int, batch: int) -> None:
    """Also with what comes later, and where either is divided; the name stays that of the one that goes on."""
    apart = run(*visits("acme", ours, name="Acme"), *visits("bolt", theirs, name="Bolt", size="big"), batch=batch)
    before = said(apart)

    together = run(word("bolt", "acme"), profiles=apart, batch=batch)
    assert (counted(together, "acme"), counted(together, "bolt")) == (ours + theirs, theirs)
    assert said(together)["~acme"][1] == {"name": "Acme", "size": "big"}
    assert together["~acme"].company.team.members == ours + theirs  # type: ignore[union-attr]
    later = run(*visits("bolt", theirs, 2.0), profiles=together, batch=batch)
    assert counted(later, "acme") == ours + 2 * theirs

    again = run(word("bolt", "", 10.0), profiles=later, batch=batch)
    assert said(again)["~acme"] == before["~acme"]
    assert counted(again, "bolt") == 2 * theirs
    assert not is_joined(again["~bolt"])


def test_it_does_not_matter_when_somebody_said_so() -> None:
    """Before anything is known of either, between, or after; and an older word does not undo a later one."""
    events = [*visits("acme", 2), *visits("bolt", 2), *visits("acme", 2, 2.0)]
    words = [word("bolt", "acme", 5.0), word("bolt", "", 6.0), word("bolt", "acme", 7.0)]

    found = [
        said(run(*words, *events)),
        said(run(*events, *words)),
        said(run(*events[:3], *reversed(words), *events[3:])),
    ]

    assert found[0] == found[1] == found[2]
    assert found[0]["~acme"][0] == 6
    assert said(run(*events, words[1], words[0]))["~acme"][0] == 4


RINGS = [
    ([("bolt", "acme", 5.0), ("acme", "bolt", 6.0)], {"acme": 5, "corp": 4}),
    ([("bolt", "acme", 6.0), ("acme", "bolt", 5.0)], {"bolt": 5, "corp": 4}),
    (
        [("bolt", "acme", 9.0), ("acme", "bolt", 9.0)],
        {"bolt": 5, "corp": 4},
    ),  # that of the smaller id
    ([("acme", "bolt", 5.0), ("bolt", "corp", 6.0), ("corp", "acme", 7.0)], {"bolt": 9}),
    ([("acme", "bolt", 6.0), ("bolt", "corp", 5.0)], {"corp": 9}),  # what counts for it is passed on
    ([("acme", "bolt", 5.0), ("bolt", "corp", 6.0)], {"bolt": 5, "corp": 4}),
    ([("acme", "void", 6.0), ("void", "acme", 5.0)], {"acme": 2, "bolt": 3, "corp": 4}),  # nobody is in it
    ([("acme", "void", 5.0), ("void", "acme", 6.0)], {"void": 2, "bolt": 3, "corp": 4}),
]


@pytest.mark.parametrize(("words", "expected"), RINGS)
@pytest.mark.parametrize("batch", [1, 3, 100])
def test_companies_that_are_each_other_are_one_company_and_never_none(
    words: list[tuple[str, str, float]], expected: dict[str, int], batch: int
) -> None:
    """Whichever of what people say at the same time is heard first; all that any member does is seen somewhere."""
    events = [*visits("acme", 2), *visits("bolt", 3), *visits("corp", 4)]
    joins = [word(*each) for each in words]
    for order in permutations(joins):
        for records in ((*events, *order), (*order, *events), (*order[:1], *events, *order[1:])):
            held = run(*records, batch=batch)
            shown = [id_ for id_, one in held.items() if is_company(id_) and not is_cell(id_) and is_shown(one)]
            assert {id_[1:]: counted(held, id_[1:]) for id_ in shown} == expected, order


def test_a_word_that_did_not_count_does_once_the_one_before_it_is_taken_back() -> None:
    held = run(*visits("acme", 2), *visits("bolt", 3), word("bolt", "acme", 5.0), word("acme", "bolt", 6.0))
    assert [id_ for id_ in ("~acme", "~bolt") if is_shown(held[id_])] == ["~acme"]

    again = run(word("bolt", "", 7.0), profiles=held)
    assert [id_ for id_ in ("~acme", "~bolt") if is_shown(again[id_])] == ["~bolt"]
    assert counted(again, "bolt") == 5
    apart = run(word("acme", "", 8.0), profiles=again)
    assert {id_: counted(apart, id_[1:]) for id_ in ("~acme", "~bolt") if is_shown(apart[id_])} == {
        "~acme": 2,
        "~bolt": 3,
    }


def test_who_counts_for_another_company_is_in_no_segment_and_has_no_alert() -> None:
    """Whoever acts on one is told that it is over; nobody looks at it until it is itself again."""
    held = run(*visits("acme", 1), *visits("bolt", 1))
    bolt = held["~bolt"]
    bolt.segments = {"paying": Stay(1.0)}
    bolt.alerts = {"silent": Alert("a", "silent", "open", 1.0, 1.0, 0.5)}
    bolt.score, bolt.scheduled_at = Score(0.5, "medium", 1.0, "m"), 99.0
    work = Work(0, Loaded(profiles=held), 1)
    note = CaseEntry(3.0, "note", "kim", "called")
    bolt.case = Case("cs", "retention", "acknowledged", 2.0, 4.0, {"risk": 2.0}, notes=[note])
    joined = word("bolt", "acme")
    joined.origin = ("profile.events", 0, 99 << 16)
    work.begin(0.0, [joined])
    update("EUR", LIMITS)(work)

    told = [
        (output.topic, msgspec.json.decode(output.value))
        for output in work.outputs
        if output.topic in (SEGMENT_CHANGES, ALERTS, CASES)
    ]
    assert [body["change"] for topic, body in told if topic == SEGMENT_CHANGES] == ["exited"]
    assert [body["alert"]["state"] for topic, body in told if topic == ALERTS] == ["cleared"]
    (over,) = (body["case"] for topic, body in told if topic == CASES)
    assert (over["id"], over["state"], over["history"][-1]["text"]) == ("cs", "cleared", "merged into acme")
    assert bolt.case is not None
    assert (bolt.case.state, bolt.case.changed, bolt.case.notes) == ("cleared", joined.time, [note])
    assert (bolt.segments, bolt.alerts, bolt.score, bolt.scheduled_at) == ({}, {}, None, 0)
    assert bolt not in work.live()
    assert work.alerts_gone == ["a"]


@pytest.mark.parametrize("batch", [1, 100])
def test_nothing_stays_of_a_company_whose_last_members_were_anothers_and_are_erased(batch: int) -> None:
    """Only the word: whoever comes later is still of the other company."""
    held = run(*visits("bolt", WHOLE + 2), word("bolt", "acme"), batch=batch)
    assert counted(held, "acme") == WHOLE + 2
    held["~acme"].stage = "active"
    held = run(*(Erase(f"bolt{number}", 20.0) for number in range(WHOLE + 2)), profiles=held, batch=batch)

    assert sorted(id_ for id_ in held if is_company(id_)) == ["~acme", "~bolt"]
    assert not any(is_shown(one) for id_, one in held.items() if is_company(id_))
    acme = held["~acme"].company
    assert acme is not None
    bare = Company("company", "acme", erased=True, team=acme.team, joiners={"~bolt": 9.0})
    assert held["~acme"] == Profile("~acme", company=bare, terms="")  # nothing of it can be found
    assert not run(word("bolt", "", 21.0), profiles=deepcopy(held)).keys() & {"~acme", "~bolt"}
    assert counted(run(*visits("bolt", 1, 30.0), profiles={"~bolt": held["~bolt"]}), "acme") == 1


def test_what_companies_pass_on_is_sent_in_the_order_of_its_origins() -> None:
    """Whoever receives it takes for a repeat what comes behind a later one."""
    held = run(*visits("acme", 1), *visits("bolt", 1), word("acme", "corp"), word("bolt", "corp"))
    shares = [Share(f"~{key}", key, f"{key}9", 1.0, packed(key)) for key in ("acme", "bolt", "acme")]
    work = Work(0, Loaded(profiles=held), 1)
    for number, share in enumerate(shares):
        share.origin = ("profile.events", 0, (100 + number) << 16)
    work.begin(0.0, shares)
    update("EUR", LIMITS)(work)

    sent = [output for output in work.changes(None, 0).outputs if output.topic == PROFILE_EVENTS]
    positions = [int(output.id.rpartition("/")[2]) for output in sent]
    assert len(sent) == 2
    assert positions == sorted(positions)
    assert [read_record(output.value).member for output in sent] == ["~bolt", "~acme"]  # type: ignore[union-attr]


def packed(key: str) -> bytes:
    """The share of a member."""
    held = run(*visits(key, 1))[f"~{key}"].company
    assert held is not None
    return next(iter(held.shares.values()))
