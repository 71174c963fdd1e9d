"""The linker's store in Redis: which profile an identity belongs to, how that came about, and who was erased."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from profiles.identity.links import Erasure, Link, Linked, PendingSplit, Refusal, decode_linked, encode_linked
from profiles.store import Output
from profiles.stores.keys import IDENTITY, IDENTITY_MAP
from profiles.stores.redis import Group, Unit
from profiles.types import Identity

__all__ = ["REFUSALS_KEPT", "LinkChanges", "LinkState", "LinkStore", "link_groups"]

REFUSALS_KEPT = 1000
"""Refusals that are kept, in as many slots."""

_APART = f"{IDENTITY.tag}:apart"  # hash: identity → identities that it must not be together with
_SUPPRESSED = f"{IDENTITY.tag}:suppressed"  # hash: keyed hash of an erased home → when
_REFUSED = f"{IDENTITY.tag}:refused"  # hash: slot → refusal; the latest REFUSALS_KEPT
_SPLITTING = f"{IDENTITY.tag}:splitting"  # hash: id of a split → what is pending
_SPLITS = f"{IDENTITY.tag}:splits"  # hash: id of a split → what became of it
_DEFERRED = f"{IDENTITY.tag}:deferred"  # hash: id → an erasure that waits for a split to end
_RECEIPTS = f"{IDENTITY.tag}:receipts"  # hash: id of an erasure → its receipt, as JSON

_encode = msgspec.msgpack.Encoder().encode
_decode_identities = msgspec.msgpack.Decoder(list[tuple[str, str]]).decode
_decode_refusal = msgspec.msgpack.Decoder(Refusal).decode
_decode_erasure = msgspec.msgpack.Decoder(Erasure).decode
_decode_pending = msgspec.msgpack.Decoder(PendingSplit).decode


@dataclass(frozen=True, slots=True)
class LinkState:
    """Where the linker is."""

    version: int
    applied: int  # offset of the last request decided; -1 for none
    refusals: int  # there ever were


@dataclass(slots=True)
class LinkChanges:
    """All that one commit of the linker writes; None removes."""

    version: int
    applied: int
    refusals: int = 0  # there ever were, with this commit
    mapping: dict[Identity, str | None] = field(default_factory=dict)  # identity → profile id
    graph: dict[str, list[Identity] | None] = field(default_factory=dict)  # profile id → identities, ascending
    links: dict[Identity, list[Link] | None] = field(default_factory=dict)  # of all identities in `graph`
    apart: dict[Identity, list[Identity] | None] = field(default_factory=dict)
    suppressed: dict[str, float] = field(default_factory=dict)  # keyed hash → when
    refused: dict[str, Refusal] = field(default_factory=dict)  # by slot
    refused_gone: list[str] = field(default_factory=list)  # slots
    splitting: dict[str, PendingSplit | None] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)  # id → what became of it
    deferred: dict[str, Erasure | None] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    produced: int = 0


class LinkStore(Unit):
    """One writer, the linker; ingest and the console read."""

    async def profiles_of(self, identities: Sequence[Identity]) -> dict[Identity, str]:
        """The profile of each identity that has been linked; unlinked ones are left out. One round trip."""
        if not identities:
            return {}
        found = await self._client.hmget(IDENTITY_MAP, [_field(identity) for identity in identities])
        return {identity: id_.decode() for identity, id_ in zip(identities, found, strict=True) if id_ is not None}

    async def linked_to(self, profiles: Sequence[str]) -> dict[str, Linked]:
        """What is linked to each profile; one to which nothing was linked is left out."""
        if not profiles:
            return {}
        found = await self._client.hmget(IDENTITY.profiles, list(profiles))
        return {id_: decode_linked(raw) for id_, raw in zip(profiles, found, strict=True) if raw is not None}

    async def apart(self) -> dict[Identity, list[Identity]]:
        """All identities that must not be together with others."""
        held = await self._client.hgetall(_APART)
        return {_identity(name): _decode_identities(raw) for name, raw in held.items()}

    async def suppressed(self, hashes: Sequence[str]) -> set[str]:
        """Which of these keyed hashes are of erased homes."""
        if not hashes:
            return set()
        found = await self._client.hmget(_SUPPRESSED, list(hashes))
        return {hash_ for hash_, at in zip(hashes, found, strict=True) if at is not None}

    async def count_suppressed(self) -> int:
        """How many erased homes there are."""
        count: int = await self._client.hlen(_SUPPRESSED)
        return count

    async def all_suppressed(self) -> set[str]:
        """The keyed hashes of all erased homes."""
        return {name.decode() for name in await self._client.hkeys(_SUPPRESSED)}

    async def refusals(self) -> dict[str, Refusal]:
        """The latest links that were not made, by slot; the newest first."""
        held = await self._client.hgetall(_REFUSED)
        found = {slot.decode(): _decode_refusal(raw) for slot, raw in held.items()}
        return dict(sorted(found.items(), key=lambda item: item[1].offset, reverse=True))

    async def splitting(self) -> dict[str, PendingSplit]:
        """The splits whose profiles are not whole again yet, by id."""
        return {name.decode(): _decode_pending(raw) for name, raw in (await self._client.hgetall(_SPLITTING)).items()}

    async def split_state(self, id_: str) -> str | None:
        """What became of a split: `splitting`, `done`, or why it was refused; None before the linker has decided."""
        answer = await self._client.hget(_SPLITS, id_)
        return None if answer is None else answer.decode()

    async def deferred(self) -> list[Erasure]:
        """The erasures that wait for a split to end."""
        return [_decode_erasure(raw) for raw in (await self._client.hgetall(_DEFERRED)).values()]

    async def keep_receipt(self, id_: str, receipt: bytes) -> None:
        """Keep the receipt of an erasure (JSON, without personal data)."""
        await self._client.hset(_RECEIPTS, id_, receipt)

    async def receipt(self, id_: str) -> bytes | None:
        """The receipt of an erasure."""
        answer: bytes | None = await self._client.hget(_RECEIPTS, id_)
        return answer

    async def state(self) -> LinkState:
        """Where the linker is."""
        version, applied, refusals = await self._client.hmget(IDENTITY.meta, ["version", "applied", "refusals"])
        return LinkState(int(version or 0), int(-1 if applied is None else applied), int(refusals or 0))

    async def commit(self, changes: LinkChanges) -> int:
        """Write everything or nothing; answer the new version.

        Raises:
            Fenced: another linker has committed since `changes.version`.
        """
        return await self._commit(
            IDENTITY,
            version=changes.version,
            applied=changes.applied,
            watermark=None,
            produced=changes.produced,
            outputs=changes.outputs,
            groups=link_groups(changes),
        )

    async def outbox(self) -> list[tuple[int, list[Output]]]:
        """What was committed but perhaps not produced."""
        return await self._outbox(IDENTITY)

    async def clear_outbox(self, up_to: int) -> None:
        """Forget outbox entries up to a version."""
        await self._clear_outbox(IDENTITY, up_to)


def link_groups(changes: LinkChanges) -> list[Group]:
    """What changes in Redis, apart from version, offset and outbox."""
    groups: list[Group] = [("HDEL", _REFUSED, changes.refused_gone)]
    groups += _written(IDENTITY_MAP, {_field(key): value for key, value in changes.mapping.items()})
    groups += _written(
        IDENTITY.profiles,
        {key: None if value is None else encode_linked(value, changes.links) for key, value in changes.graph.items()},
    )
    groups += _written(_APART, {_field(key): _packed(value) for key, value in changes.apart.items()})
    groups += _written(_SUPPRESSED, {key: repr(value) for key, value in changes.suppressed.items()})
    groups += _written(_SPLITTING, {key: _packed(value) for key, value in changes.splitting.items()})
    groups += _written(_SPLITS, changes.splits)
    groups += _written(_DEFERRED, {key: _packed(value) for key, value in changes.deferred.items()})
    groups += _written(_REFUSED, {slot: _encode(refusal) for slot, refusal in changes.refused.items()})
    if changes.refused:
        groups.append(("HSET", IDENTITY.meta, ["refusals", str(changes.refusals)]))
    return [group for group in groups if group[2]]


def _packed(value: object) -> bytes | None:
    return None if value is None else _encode(value)


def _written(key: str, values: Mapping[str, Any]) -> Iterable[Group]:
    kept: list[Any] = []
    for name, value in values.items():
        if value is not None:
            kept += (name, value)
    return ("HSET", key, kept), ("HDEL", key, [name for name, value in values.items() if value is None])


def _field(identity: Identity) -> str:
    return f"{identity[0]}\0{identity[1]}"


def _identity(name: bytes) -> Identity:
    kind, _, value = name.decode().partition("\0")
    return kind, value
