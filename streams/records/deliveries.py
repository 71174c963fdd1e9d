"""What `deliveries` carries: all that is known of each sink, as records of which the newest of a key counts.

One partition holds all sinks. Who owns a sink reads its records from the beginning and knows its state: how far it has
read the other topics, what waits, what is under way, what was told. Nothing personal lies here but profile ids and what
`alerts` says: the rest of a message is looked up when it is sent.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = [
    "FINAL",
    "STATES",
    "Attempt",
    "Condition",
    "Delivery",
    "Entry",
    "Letter",
    "Member",
    "Over",
    "Position",
    "Reconciled",
    "Request",
    "State",
    "Waiting",
    "decode_delivery",
    "encode_delivery",
    "key_of",
]  # fmt: skip

Mode = Literal["single", "joined", "digest", "notice"]
"""How entries are told: one by itself; those of a group together; all of a day or a night; about Rapport itself."""

State = Literal["due", "trying", "again", "delivered", "dead", "dropped"]
"""Of a letter. `trying` is written before an attempt is made; `dropped`: nobody is left to tell of."""

STATES = ("due", "trying", "again", "delivered", "dead", "dropped")

FINAL = ("delivered", "dead", "dropped")


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Something that concerns a sink: a state of an alert, a move of a customer."""

    id: str  # that of the record on its topic, and what more it is told as; the same however often it is read
    type: str  # alert.opened, segment.entered…
    at: float  # when it happened
    profile: str = ""
    about: str = ""  # id of the alert; name of the segment
    rule: str = ""
    owner: str = ""
    severity: str = ""
    value: int | None = None  # at risk: minor units of the plan's currency
    sequence: int = 0  # of what this sink is told of the alert
    told: dict[str, Any] = {}  # as the topic has it
    remind: float = 0.0  # seconds until it is told again, if nobody takes it up
    reminded: int = 0  # how often it was
    route: int = -1  # place of the route in the plan by which it came here; -1: by none


class Waiting(msgspec.Struct, frozen=True, omit_defaults=True, tag="waiting"):
    """An entry that is not told yet."""

    sink: str
    entry: Entry
    mode: Mode
    group: str  # with which others it is told
    until: float  # not before
    taken: float  # when it was read


class Over(msgspec.Struct, frozen=True, omit_defaults=True, tag="over"):
    """An entry that is not told, and why. It stands under the key of the one that waited."""

    sink: str
    id: str
    why: str
    at: float


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One try."""

    at: float
    seconds: float = 0.0  # that it took
    status: int = 0  # of HTTP; 0: there was none
    answer: str = ""  # at most 500 characters, masked; or what went wrong
    ok: bool = False


class Letter(msgspec.Struct, frozen=True, omit_defaults=True, tag="letter"):
    """A message to a sink: what it tells, and what became of it."""

    sink: str
    id: str  # the receiver's key: the same at each attempt
    mode: Mode
    entries: list[Entry]
    formed: float
    number: int = 0  # in the order in which a sink's letters were formed: so a customer's are sent
    state: State = "due"
    next: float = 0.0  # not before
    attempts: list[Attempt] = []
    tries: int = 0  # since it was formed, or put back
    more: int = 0  # alerts that are not named, over a cap
    more_value: int = 0  # minor units at risk with them
    total: int = 0  # of a digest, with those it names
    ended: int = 0  # of a digest: that ended since the one before
    still: int = 0  # …and that were told and stand
    reason: str = ""  # of one that is dead or dropped
    replayed: int = 0  # how often somebody put it back
    group: str = ""
    names: int = 1  # of a move: under how many names the receiver was told of the customer


class Member(msgspec.Struct, frozen=True, omit_defaults=True, tag="member", gc=False):
    """What a sink was told last of a customer and a segment. It follows from the letter that told it, and is written
    by itself before Kafka forgets that one."""

    sink: str
    segment: str
    profile: str
    inside: bool
    at: float  # when it was told
    id: str  # of the entry that told it
    written: float
    names: int = 1  # as of the letter


class Reconciled(msgspec.Struct, frozen=True, omit_defaults=True, tag="reconciled"):
    """How what a sink was told of segments was compared with the store, the last time."""

    sink: str
    began: float
    ended: float
    members: int = 0  # who belongs into its segments, each segment counted
    entered: int = 0  # who was missing, and is told of
    exited: int = 0  # who was told of and does not belong there
    unnamed: int = 0  # who belongs there, and has no identity by which this sink could be told
    everybody: bool = False  # those were counted, too, who were members before the sink began
    request: str = ""  # by which somebody asked for it


class Position(msgspec.Struct, frozen=True, omit_defaults=True, tag="position"):
    """How far a sink has read: what comes next, by topic and partition."""

    sink: str
    offsets: dict[str, dict[int, int]]
    at: float
    began: float = 0.0  # when the sink was read first; 0: before that was noted


class Condition(msgspec.Struct, frozen=True, omit_defaults=True, tag="state"):
    """How a sink is."""

    sink: str
    at: float
    disabled: str = ""  # why it is told nothing any more
    failing: float = 0.0  # since when every attempt has failed; 0: it works


class Request(msgspec.Struct, frozen=True, omit_defaults=True, tag="request"):
    """What somebody wants of a sink's owner."""

    sink: str
    id: str
    action: Literal["replay", "enable", "reconcile"]
    at: float
    by: str = ""
    letter: Letter | None = None  # replay: which
    everybody: bool = False  # reconcile: tell of those, too, who were members before the sink began


Delivery = Waiting | Over | Letter | Member | Position | Condition | Reconciled | Request

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Delivery).decode


def encode_delivery(record: Delivery) -> bytes:
    """As the topic has it."""
    return _encode(record)


def decode_delivery(value: bytes) -> Delivery:
    """A record of `deliveries` or `deliveries.dead`.

    Raises:
        msgspec.DecodeError: it is no such record.
    """
    record: Delivery = _decode(value)
    return record


def key_of(record: Delivery) -> bytes:
    """By which the newest counts; what stands before the first `/` is the sink."""
    match record:
        case Waiting():
            what = f"e/{record.entry.id}"
        case Over():
            what = f"e/{record.id}"
        case Letter():
            what = f"m/{record.id}"
        case Member():
            what = f"in/{record.segment}/{record.profile}"
        case Position():
            what = "@position"
        case Reconciled():
            what = "@reconciled"
        case Request():
            what = f"@request/{record.id}"
        case _:
            what = "@state"
    return f"{record.sink}/{what}".encode()
