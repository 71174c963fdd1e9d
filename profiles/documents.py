"""A profile's document: the bytes that the store holds and `profile.changes` carries."""

from __future__ import annotations

import msgspec

from profiles.types import Profile

__all__ = ["decode_profile", "encode_profile"]

_TOMBSTONE = b"\xc1"  # a byte that no msgpack begins with; the winner's id follows
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Profile).decode


def encode_profile(profile: Profile) -> bytes:
    """A profile's document. A tombstone is only its redirect: most identities leave one."""
    if profile.redirect:
        return _TOMBSTONE + profile.redirect.encode()
    id_, profile.id = profile.id, ""  # it is the document's key already
    try:
        return _encode(profile)
    finally:
        profile.id = id_


def decode_profile(id_: str, document: bytes) -> Profile:
    """The profile of a document."""
    if document[:1] == _TOMBSTONE:
        return Profile(id_, redirect=document[1:].decode())
    profile = _decode(document)
    profile.id = id_
    return profile
