"""When alerts are told and with what else: groups, nights, caps, digests, reminders, escalation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pytest

from models.cases.routes import Route
from plan.sinks.kinds import WebhookSink
from plan.sinks.sink import TalkingSink
from streams.records.deliveries import Entry, Letter, Over
from streams.sinks.deciding.holding import NAMED, Holding, Taken
from streams.sinks.deciding.ledger import Ledger

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()  # a Monday
NIGHT = datetime(2026, 11, 30, 22, tzinfo=UTC).timestamp()
MORNING = datetime(2026, 12, 1, 8, tzinfo=UTC).timestamp()
QUIET = {"from": "20:00", "to": "08:00"}


class Chat(TalkingSink):
    type: Literal["chat"] = "chat"


class Desk:
    """A sink whose time is moved by hand; answers the letters that were formed."""

    def __init__(self, spec, *routes, now=NOON):
        self.ledger = Ledger("s")
        self.holding = Holding("s", spec, [Route.model_validate(route) for route in routes])
        self.now = now

    def take(self, *entries, after=0.0, past=False):
        found = []
        for entry in entries:
            found += self.apply(self.holding.take(self.ledger, Taken(entry, after, past), self.now))
            found += self.apply(self.holding.due(self.ledger, self.now))
        return found

    def pass_on(self, seconds):
        """The letters that are formed within so many seconds."""
        end, found = self.now + seconds, []
        while True:
            found += self.apply(self.holding.due(self.ledger, self.now))
            following = min((at for at, _ in self.ledger._wakes), default=end)
            if following >= end:
                self.now = end
                return found + self.apply(self.holding.due(self.ledger, end))
            self.now = max(self.now, following)

    def apply(self, records):
        for record in records:
            self.ledger.apply(record)
        return [record for record in records if isinstance(record, Letter)]


def opened(name, *, value=0, rule="r", owner="", severity="warning", type="alert.opened", route=0, profile="", **more):
    return Entry(
        f"{name}:{type}", type, NOON, profile or f"p-{name}", name, rule, owner, severity, value, route=route, **more
    )


def after(name, type, **more):
    return opened(name, type=type, **more)


def told(letters):
    return [[entry.about for entry in letter.entries] for letter in letters]


def test_a_tool_is_told_at_once_and_people_what_came_together():
    assert told(Desk(WebhookSink(type="webhook")).take(opened("a"), opened("b"))) == [["a"], ["b"]]
    desk = Desk(Chat(), {"sinks": ["s"]})
    assert desk.take(opened("a"), opened("b"), opened("c", rule="other"), opened("d", owner="kim")) == []
    assert sorted(told(desk.pass_on(30))) == [["a", "b"], ["c"], ["d"]]


def test_between_two_messages_of_a_group_is_the_interval():
    desk = Desk(Chat(), {"sinks": ["s"]})
    desk.take(opened("a"))
    assert told(desk.pass_on(31)) == [["a"]]
    desk.take(opened("b"))
    desk.take(opened("c", rule="other"))
    assert told(desk.pass_on(200)) == [["c"]]
    assert told(desk.pass_on(100)) == [["b"]]


@pytest.mark.parametrize("state", ["alert.acknowledged", "alert.resolved", "alert.cleared"])
def test_what_is_over_before_it_is_told_is_not_told(state):
    desk = Desk(Chat(), {"sinks": ["s"]})
    desk.take(opened("a"), opened("b"))
    desk.take(after("a", state))
    assert told(desk.pass_on(3600)) == [["b"]]


def test_who_was_told_of_the_opening_is_told_of_the_end_and_nobody_else():
    desk = Desk(WebhookSink(type="webhook"))
    desk.take(opened("a"))
    letters = desk.take(after("a", "alert.acknowledged"), after("a", "alert.cleared"), after("b", "alert.cleared"))
    assert [(letter.entries[0].type, letter.entries[0].sequence) for letter in letters] == [
        ("alert.acknowledged", 2), ("alert.cleared", 3),
    ]  # fmt: skip
    assert desk.take(after("a", "alert.resolved")) == [], "it is over"


def test_what_was_read_before_is_known():
    desk = Desk(WebhookSink(type="webhook"))
    assert len(desk.take(opened("a"), opened("a"))) == 1
    assert len(desk.take(after("a", "alert.cleared"), after("a", "alert.cleared"))) == 1


def test_at_night_only_what_is_critical_is_told():
    desk = Desk(WebhookSink(type="webhook"), {"sinks": ["s"], "quiet": QUIET}, now=NIGHT)
    assert told(desk.take(opened("a"), opened("b", severity="critical"))) == [["b"]]
    assert desk.pass_on(MORNING - NIGHT - 1) == []
    assert told(desk.pass_on(1)) == [["a"]]


def test_a_night_may_be_told_in_one_digest():
    desk = Desk(WebhookSink(type="webhook"), {"sinks": ["s"], "quiet": {**QUIET, "then": "digest"}}, now=NIGHT)
    desk.take(opened("a", value=1), opened("b", value=2))
    (letter,) = desk.pass_on(MORNING - NIGHT)
    assert (letter.mode, told([letter]), letter.total) == ("digest", [["b", "a"]], 2)


def test_a_digest_names_those_of_the_highest_value_and_counts_who_ended():
    desk = Desk(WebhookSink(type="webhook", digest="08:00"), {"sinks": ["s"]})
    desk.take(*(opened(f"a{number}", value=number) for number in range(NAMED + 5)))
    (first,) = desk.pass_on(MORNING - NOON)
    assert told([first])[0] == [f"a{number}" for number in range(NAMED + 4, 4, -1)]
    assert (first.more, first.more_value, first.total, first.still) == (5, 10, NAMED + 5, 0)
    desk.take(after("a20", "alert.cleared"), after("a1", "alert.cleared"), opened("b"), past=False)
    desk.take(opened("old"), past=True)
    (second,) = desk.pass_on(86_400)
    assert (second.total, second.ended, second.still) == (2, 1, NAMED - 1)


def test_nothing_of_the_past_is_told_but_in_a_digest():
    desk = Desk(WebhookSink(type="webhook"), {"sinks": ["s"]})
    assert desk.take(opened("a"), past=True) == []
    assert desk.pass_on(86_400) == []


def test_a_cap_chooses_by_value_and_the_rest_is_one_line():
    desk = Desk(Chat(), {"sinks": ["s"], "daily_cap": 3})
    desk.take(*(opened(f"a{number}", value=number) for number in range(5)))
    (first,) = desk.pass_on(30)
    assert {entry.about for entry in first.entries} == {"a4", "a3", "a2"}
    assert (first.more, first.more_value) == (2, 1)
    desk.take(opened("b", value=100), opened("c", value=7, severity="critical"))
    assert desk.pass_on(6 * 3600) == [], "no more today, not even what is critical"
    (rest,) = desk.pass_on(6 * 3600)
    assert (rest.mode, told([rest])) == ("digest", [["b", "c"]])
    desk.take(opened("d"))
    assert told(desk.pass_on(3600)) == [["d"]], "another day"


def test_more_messages_an_hour_than_allowed_wait_and_are_told_together():
    desk = Desk(Chat(max_per_hour=2), {"sinks": ["s"]})
    for number in range(4):
        desk.take(opened(f"a{number}", rule=f"r{number}"))
    assert len(desk.pass_on(60)) == 2
    desk.take(opened("b", rule="r3"))
    letters = desk.pass_on(3600)
    assert sum(len(letter.entries) for letter in letters) == 3
    assert len(letters) == 2


def test_reminders_come_until_somebody_takes_it_up():
    desk = Desk(WebhookSink(type="webhook"))
    desk.take(opened("a", remind=3600.0))
    found = desk.pass_on(3 * 3600)
    assert [(letter.entries[0].type, letter.entries[0].reminded) for letter in found] == [
        ("alert.reminded", 1), ("alert.reminded", 2), ("alert.reminded", 3),
    ]  # fmt: skip
    assert len({letter.id for letter in found}) == 3
    desk.take(after("a", "alert.acknowledged"))
    assert desk.pass_on(86_400) == []


@pytest.mark.parametrize("state", ["alert.acknowledged", "alert.assigned", "alert.snoozed", "alert.cleared"])
def test_escalation_comes_unless_somebody_took_it_up(state):
    desk = Desk(WebhookSink(type="webhook"))
    desk.take(opened("a", type="alert.escalated"), opened("b", type="alert.escalated"), after=4 * 3600.0)
    about = {} if state in ("alert.assigned", "alert.snoozed") else {"about": "a"}
    desk.take(Entry(f"x:{state}", state, NOON, "p-a", **about))
    assert told(desk.pass_on(5 * 3600)) == [["b"]]


def test_the_end_of_a_reminder_is_over_in_the_ledger_too():
    desk = Desk(WebhookSink(type="webhook"))
    desk.take(opened("a", remind=3600.0))
    records = desk.holding.take(desk.ledger, Taken(after("a", "alert.resolved")), desk.now)
    assert isinstance(records[0], Over)
    desk.apply(records)
    assert [one.entry.type for one in desk.ledger.waiting.values()] == ["alert.resolved"]
