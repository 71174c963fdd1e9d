"""Records of `profile.events` as the profiles read them: an event sent on carries what nobody looked at."""

from __future__ import annotations

import msgspec
import pytest

from profiles.types import Event, Merge, Record
from streams.records.happened import read_record

EVENT: Event = Event(
    "p", "m", "web", "track", "Order Completed", "purchase", 2.0, 3.0, [("user_id", "u")], {"firstName": "Ada"},
    properties={"order_id": "1", "products": [{"sku": "x"}]}, context={"ip": "192.0.2.1"}, violations=["x"],
)  # fmt: skip


def test_an_event_that_is_sent_on_is_the_same() -> None:
    read = read_record(msgspec.msgpack.encode(EVENT))

    assert type(read) is Event
    assert (read.profile, read.identities, read.traits, read.time) == (
        EVENT.profile, EVENT.identities, EVENT.traits, EVENT.time,
    )  # fmt: skip
    on = msgspec.msgpack.encode(msgspec.structs.replace(read, profile="q"))
    assert msgspec.msgpack.decode(on, type=Record) == msgspec.structs.replace(EVENT, profile="q")


def test_commands_are_read_whole() -> None:
    command = Merge("loser", "winner", 1.0, [("user_id", "u")])

    assert read_record(msgspec.msgpack.encode(command)) == command


def test_who_reads_all_of_an_event_still_asks_for_objects() -> None:
    broken = msgspec.msgpack.encode(msgspec.structs.replace(EVENT, properties=[1]))

    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(broken, type=Record)
