"""Taking a profile apart: who has to hear of whose cutover."""

from __future__ import annotations

import msgspec

from profiles.store import Loaded
from profiles.types import Profile, Record, Split, Splitting
from streams.steps.split import moved
from streams.steps.work import SENT_BITS, Work

WINNERS = {"was": "was", "one": "one", "two": "two", "rest": "one"}
IDENTITIES = {"was": [("user_id", "w")], "one": [("user_id", "1")], "two": [("user_id", "2")]}


def sent(work: Work) -> list[tuple[str, str, str]]:
    records = [msgspec.msgpack.decode(output.value, type=Record) for output in work.outputs]
    return [(record.profile, record.phase, record.home) for record in records if type(record) is Split]


def test_homes_that_become_profiles_hear_of_each_other_once_all_of_them_have() -> None:
    """What one of them answers may come to another that is a tombstone still, and cannot note it."""
    profile = Profile("was", splitting=Splitting("s", WINNERS, IDENTITIES, ["one", "two", "rest"], {"was": (0, 3)}))
    work = Work(0, Loaded(profiles={"was": profile}), 4)

    def answer(home: str, offset: int) -> None:
        record = Split("was", "moved", "s", "was", 1.0, cutover=(1, offset), home=home)
        record.origin = ("profile.events", 0, offset << SENT_BITS)
        moved(work, profile, record)

    answer("two", 5)
    assert sent(work) == []
    answer("one", 6)
    told = [("one", "moved", "two"), ("two", "moved", "one"), ("rest", "move", "")]
    assert sorted(sent(work)) == sorted(told)
    answer("one", 7)
    answer("rest", 8)
    assert len(sent(work)) == len(told)
    assert len({output.id for output in work.outputs}) == len(told)
