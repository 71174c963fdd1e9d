"""How a link came about, so that it can be explained, and taken back."""

from __future__ import annotations

import msgspec

from profiles.types import Identity

__all__ = ["Erasure", "Link", "PendingSplit", "Refusal"]


class Link(msgspec.Struct, array_like=True, gc=False):
    """One request that made profiles one. Kept with the identity that joined; enough to decide all of it again."""

    identities: list[Identity]  # of the event, the strongest first, without those that were refused
    time: float  # of the event
    source: str
    event: str  # messageId
    offset: int  # in `identity.links`, whose order decides
    decided: float  # when, by the clock


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
    """A customer who is to be forgotten."""

    id: str
    profile: str
    identity: Identity | None  # by which the customer was named; its profile counts, whatever happened since
    time: float


class PendingSplit(msgspec.Struct, array_like=True, gc=False):
    """A split that has been decided and whose profiles are not whole again yet."""

    id: str
    profile: str  # that is taken apart
    identity: Identity  # that was taken out
    apart: list[Identity]  # that it must never be together with again
    winners: dict[str, str]  # home → the profile it belongs to from now on
    at: float
    by: str = ""
