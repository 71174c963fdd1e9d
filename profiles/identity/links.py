"""How a link came about, so that it can be explained, and taken back; and the bytes that it is kept in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from profiles.types import Identity

__all__ = [
    "Claim", "Erasure", "Lifted", "Link", "LinkRequest", "Linked", "PendingSplit", "Refusal",
    "decode_linked", "encode_linked",
]  # fmt: skip


class Link(msgspec.Struct, array_like=True, gc=False):
    """One request that made profiles one. Kept with the identity that joined; enough to decide all of it again."""

    identities: list[Identity]  # of the event, the strongest first, without those that were refused
    time: float  # of the event
    source: str
    event: str  # messageId
    offset: int  # in `identity.links`, whose order decides
    decided: float  # when, by the clock
    signed: bool = False  # by the user whom a public source names
    by: str = ""  # of the person on whose word it was made, whatever limits say
    stated: bool = False  # as of its request
    remembered: list[Identity] = []  # likewise


class Refusal(msgspec.Struct, array_like=True, gc=False):
    """A link that was not made."""

    identities: list[Identity]  # of the event, the strongest first
    refused: list[Identity]  # that were left out
    reason: str
    time: float
    source: str
    event: str
    offset: int
    decided: float


class Erasure(msgspec.Struct, array_like=True, gc=False):
    """A customer who is to be forgotten, or a company."""

    id: str
    profile: str
    # By which the customer was named, whose profile counts, whatever happened since; None of a company.
    identity: Identity | None
    time: float


class Lifted(msgspec.Struct, array_like=True, gc=False):
    """That an erased identity may come back. Never removed: the record of who decided it, and why."""

    id: str
    subject: str  # the keyed hash that kept it away
    since: float  # event time: what happened before stays away
    at: float  # when it was decided
    by: str
    reason: str


class LinkRequest(msgspec.Struct, array_like=True, tag_field="kind", tag="l", gc=False):
    """Identities that met in one event, the strongest first."""

    identities: list[Identity]
    time: float
    source: str
    event: str  # messageId of the event that says so
    signed: bool = False  # whether the user that a public source names has signed it
    stated: bool = False  # whether it is said of the customer (identify), not of what they did
    remembered: list[Identity] = []  # that the event only carries along, in `context.traits`
    alias: bool = False  # whether it says that two names are one customer's


class Claim(msgspec.Struct, array_like=True, gc=False):
    """That somebody says that an identity is theirs, from when to when."""

    anchor: Identity  # the strongest that was said with it
    first: float  # event time
    last: float
    moves: int = 0  # how often it has taken the identity from somebody else since something new was said of it
    believed: bool = True  # whether it is no public source's word alone
    source: str = ""  # of its latest event…
    event: str = ""  # …and the messageId
    whole: bool = True  # whether all of it is known: of the first holder only what linked them is, until it moves


class PendingSplit(msgspec.Struct, array_like=True, gc=False):
    """A split that has been decided and whose profiles are not whole again yet."""

    id: str
    profile: str  # that is taken apart
    identity: Identity  # that was taken out
    apart: list[Identity]  # that it must never be together with again
    winners: dict[str, str]  # home → the profile it belongs to from now on
    at: float
    by: str = ""
    moving: list[Identity] = []  # that go to somebody else, who has claimed them; then nothing is kept apart
    waiting: list[LinkRequest] = []  # links of its identities, to be decided when it is done


class Linked(NamedTuple):
    """What is linked to one profile."""

    identities: list[Identity]  # ascending
    links: dict[Identity, list[Link]]  # that made each of them join; one that never joined is left out


class _Row(msgspec.Struct, array_like=True, gc=False):
    """A link, once for all that it made join. Identities of the profile are named by their place in its list."""

    joined: list[int]
    identities: list[int | Identity]
    time: float
    source: str
    event: str
    offset: int
    decided: float
    signed: bool = False
    by: str = ""
    stated: bool = False
    remembered: list[int | Identity] = []


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[list[Identity], list[_Row]]).decode


def encode_linked(identities: Sequence[Identity], links: Mapping[Identity, Sequence[Link] | None]) -> bytes:
    """What is linked to a profile, in the bytes that are kept.

    Args:
        identities: of the profile, ascending.
        links: that made them join; those of others are left out.
    """
    places = {identity: place for place, identity in enumerate(identities)}
    rows: dict[tuple[object, ...], _Row] = {}
    for identity, place in places.items():
        for link in links.get(identity) or ():
            key = link.offset, link.time, link.event, link.by, tuple(link.identities)
            if key not in rows:
                named = [places.get(one, one) for one in link.identities]
                remembered = [places.get(one, one) for one in link.remembered]
                rows[key] = _Row(
                    [], named, link.time, link.source, link.event, link.offset, link.decided, link.signed, link.by,
                    link.stated, remembered,
                )  # fmt: skip
            rows[key].joined.append(place)
    return _encode((identities, list(rows.values())))


def decode_linked(record: bytes) -> Linked:
    """What `encode_linked` has written."""
    identities, rows = _decode(record)
    links: dict[Identity, list[Link]] = {}
    for row in rows:
        named, remembered = (
            [identities[one] if isinstance(one, int) else one for one in held]
            for held in (row.identities, row.remembered)
        )
        link = Link(
            named, row.time, row.source, row.event, row.offset, row.decided, row.signed, row.by, row.stated,
            remembered,
        )  # fmt: skip
        for place in row.joined:
            links.setdefault(identities[place], []).append(link)
    return Linked(identities, links)
