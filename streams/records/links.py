"""What `identity.links` carries: everything that changes who is who, in one order for all."""

from __future__ import annotations

import msgspec

from profiles.identity.links import Erasure, Lifted, LinkRequest
from profiles.types import Identity

__all__ = ["EraseRequest", "JoinRequest", "LiftRequest", "LinkRequest", "Request", "SplitDone", "SplitRequest"]


class EraseRequest(msgspec.Struct, array_like=True, tag_field="kind", tag="x", gc=False):
    """A customer is to be forgotten, or a company."""

    erasure: Erasure


class JoinRequest(msgspec.Struct, array_like=True, tag_field="kind", tag="j", gc=False):
    """Two customers are one, on a person's word."""

    id: str
    identities: list[Identity]  # one of each; whose is first wins
    time: float
    by: str


class LiftRequest(msgspec.Struct, array_like=True, tag_field="kind", tag="u", gc=False):
    """An erased identity may come back, or an erased company."""

    identity: Identity  # of a company ("", its id)
    lifted: Lifted

    @property
    def company(self) -> str:
        """The id of the company's document; "" of an identity."""
        return "" if self.identity[0] else self.identity[1]


class SplitRequest(msgspec.Struct, array_like=True, tag_field="kind", tag="s", gc=False):
    """An identity was linked wrongly and is to be taken out."""

    id: str  # of the split
    identity: Identity
    apart: list[Identity]  # what it must not be together with; empty: its profile's strongest other identity
    time: float
    by: str = ""


class SplitDone(msgspec.Struct, array_like=True, tag_field="kind", tag="d", gc=False):
    """The profiles of a split are whole again."""

    id: str


Request = LinkRequest | EraseRequest | JoinRequest | LiftRequest | SplitRequest | SplitDone
