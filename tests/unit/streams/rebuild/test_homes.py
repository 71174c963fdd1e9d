"""The events of homes, on their way to the profile that those belong to now."""

from __future__ import annotations

import msgspec

from profiles.types import Event, Record, event_digest, partition_of
from streams.rebuild.homes import Homes, Memories, by_home
from streams.rebuild.spool import Spool
from tests.build import event

_decode = msgspec.msgpack.Decoder(Record).decode


def test_events_go_to_the_owner_and_repeats_nowhere() -> None:
    """Home by home, those behind the archive last, also of who came back; a home has seen in the order of the log."""
    late, again = (event("visit", 5, profile="a", id="x") for _ in range(2))
    early, new = event("visit", 1, profile="a", id="y"), event("visit", 3, profile="b", id="z")
    gone = event("visit", 1, profile="c", id="w")
    with Spool() as spool, Memories(4) as memories:
        homes = Homes(spool, memories, {"a": "b"}, 4, 16)
        for home, events in by_home([late, early, gone], {"a": [again], "b": [new]}, {"c", "b"}):
            homes.take(home, events)
        found = list(spool.in_order())
        seen = memories.of(partition_of("a", 4)) | memories.of(partition_of("b", 4))
    played = [_decode(record.value) for record in found]
    assert [(one.id, one.profile, one.home) for one in played if isinstance(one, Event)] == [
        ("y", "b", "a"), ("z", "b", "b"), ("x", "b", "a"),
    ]  # fmt: skip
    assert {record.partition for record in found} == {partition_of("b", 4)}
    assert seen == {"a": event_digest("web", "x") + event_digest("web", "y"), "b": event_digest("web", "z")}


def test_what_profiles_look_into_goes_along() -> None:
    """Of roles whose events the plan's conditions narrow; nothing else needs the room."""
    with Spool() as spool, Memories(4) as memories:
        homes = Homes(spool, memories, {}, 4, 16, {"view"})
        homes.take(
            "a", [event(role, 1, profile="a", properties={"p": 1}, context={"c": 2}) for role in ("view", "visit")]
        )
        played = [_decode(one.value) for one in spool.in_order()]
    assert {one.role: (one.properties, one.context) for one in played if isinstance(one, Event)} == {
        "view": ({"p": 1}, {"c": 2}),
        "visit": ({}, {}),
    }
