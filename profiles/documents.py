"""A profile's document: the bytes that the store holds and `profile.changes` carries."""

from __future__ import annotations

import msgspec

from profiles.types import Profile

__all__ = ["decode_profile", "encode_profile"]

_TOMBSTONE = b"\xc1"  # a byte that no msgpack begins with; the winner's id follows, after its length, then the memory
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Profile).decode


def encode_profile(profile: Profile) -> bytes:
    """A profile's document. A tombstone is only its redirect and its seen-memory: most identities leave one."""
    if profile.redirect:
        winner = profile.redirect.encode()
        return _TOMBSTONE + bytes((len(winner),)) + winner + profile.seen
    id_, profile.id = profile.id, ""  # it is the document's key already
    try:
        return _encode(profile)
    finally:
        profile.id = id_


def decode_profile(id_: str, document: bytes) -> Profile:
    """The profile of a document."""
    if document[:1] == _TOMBSTONE:
        end = 2 + document[1]
        return Profile(id_, redirect=document[2:end].decode(), seen=document[end:])
    profile = _decode(document)
    profile.id = id_
    if profile.created == 0 and not profile.activity:  # as older versions wrote that nothing had happened
        profile.created = None
    return profile
