"""The linker's store in Redis: which profile an identity belongs to, how that came about, and who was erased."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from profiles.identity.links import Claim, Erasure, Lifted, Linked, PendingSplit, Refusal, decode_linked, encode_linked
from profiles.store import Output
from profiles.stores.connection import Client
from profiles.stores.indexes import Group
from profiles.stores.keys import IDENTITY, IDENTITY_MAP
from profiles.stores.reading.together import Together
from profiles.stores.unit import RedisUnit
from profiles.types import Identity
from profiles.units import LinkChanges, LinkState

__all__ = ["RedisLinkStore", "link_groups"]

_APART = f"{IDENTITY.tag}:apart"  # hash: identity → identities that it must not be together with
_CLAIMS = f"{IDENTITY.tag}:claims"  # hash: identity → by whom it is claimed, if several do
_SUPPRESSED = f"{IDENTITY.tag}:suppressed"  # hash: keyed hash of an erased home → when
_LIFTED = f"{IDENTITY.tag}:lifted"  # hash: id → an erasure that was lifted, by whom and why
_REFUSED = f"{IDENTITY.tag}:refused"  # hash: slot → refusal; the latest REFUSALS_KEPT
_SPLITTING = f"{IDENTITY.tag}:splitting"  # hash: id of a split → what is pending
_SPLITS = f"{IDENTITY.tag}:splits"  # hash: id of a split → what became of it
_DEFERRED = f"{IDENTITY.tag}:deferred"  # hash: id → an erasure that waits for a split to end
_RECEIPTS = f"{IDENTITY.tag}:receipts"  # hash: id of an erasure → its receipt, as JSON

_PAGE = 1000  # claims read at once, of all

_encode = msgspec.msgpack.Encoder().encode
_decode_identities = msgspec.msgpack.Decoder(list[tuple[str, str]]).decode
_decode_refusal = msgspec.msgpack.Decoder(Refusal).decode
_decode_erasure = msgspec.msgpack.Decoder(Erasure).decode
_decode_claims = msgspec.msgpack.Decoder(list[Claim]).decode
_decode_lifted = msgspec.msgpack.Decoder(Lifted).decode
_decode_pending = msgspec.msgpack.Decoder(PendingSplit).decode


class RedisLinkStore(RedisUnit):
    """`profiles.units.LinkStore` on Redis."""

    def __init__(self, client: Client, together: Together | None = None) -> None:
        super().__init__(client)
        self._together = together or Together(client)

    async def profile_of(self, identity: Identity) -> str | None:
        """The profile that one identity is linked to; None: it is its own."""
        found: bytes | None = await self._together.ask("HGET", IDENTITY_MAP, _field(identity))
        return None if found is None else found.decode()

    async def profiles_of(self, identities: Sequence[Identity]) -> dict[Identity, str]:
        if not identities:
            return {}
        found = await self._client.hmget(IDENTITY_MAP, [_field(identity) for identity in identities])
        return {identity: id_.decode() for identity, id_ in zip(identities, found, strict=True) if id_ is not None}

    async def met(
        self, identities: Sequence[Identity], stated: Sequence[Identity]
    ) -> tuple[dict[Identity, str], set[Identity]]:
        if not stated:
            return await self.profiles_of(identities), set()
        both = self._client.pipeline(transaction=False)
        both.hmget(IDENTITY_MAP, [_field(identity) for identity in identities])
        both.hmget(_CLAIMS, [_field(identity) for identity in stated])
        found, claims = await both.execute()
        linked = {identity: id_.decode() for identity, id_ in zip(identities, found, strict=True) if id_ is not None}
        return linked, {identity for identity, raw in zip(stated, claims, strict=True) if raw is not None}

    async def linked_to(self, profiles: Sequence[str]) -> dict[str, Linked]:
        if not profiles:
            return {}
        found = await self._client.hmget(IDENTITY.profiles, list(profiles))
        return {id_: decode_linked(raw) for id_, raw in zip(profiles, found, strict=True) if raw is not None}

    async def apart(self) -> dict[Identity, list[Identity]]:
        held = await self._client.hgetall(_APART)
        return {_identity(name): _decode_identities(raw) for name, raw in held.items()}

    async def claims(self, identities: Sequence[Identity]) -> dict[Identity, list[Claim]]:
        if not identities:
            return {}
        found = await self._client.hmget(_CLAIMS, [_field(identity) for identity in identities])
        return {one: _decode_claims(raw) for one, raw in zip(identities, found, strict=True) if raw is not None}

    async def claims_about(self, gone: Callable[[Identity], bool]) -> dict[Identity, list[Claim]]:
        found = {}
        async for name, raw in self._client.hscan_iter(_CLAIMS, count=_PAGE):
            identity, claims = _identity(name), _decode_claims(raw)
            if gone(identity) or any(gone(claim.anchor) for claim in claims):
                found[identity] = claims
        return found

    async def suppressed(self, hashes: Sequence[str]) -> dict[str, float]:
        if not hashes:
            return {}
        found = await self._client.hmget(_SUPPRESSED, list(hashes))
        return {hash_: float(at) for hash_, at in zip(hashes, found, strict=True) if at is not None}

    async def count_suppressed(self) -> tuple[int, int]:
        return await self._client.hlen(_SUPPRESSED), await self._client.hlen(_LIFTED)

    async def all_suppressed(self) -> dict[str, float]:
        return {name.decode(): float(at) for name, at in (await self._client.hgetall(_SUPPRESSED)).items()}

    async def lifted(self) -> dict[str, Lifted]:
        return {name.decode(): _decode_lifted(raw) for name, raw in (await self._client.hgetall(_LIFTED)).items()}

    async def refusals(self) -> dict[str, Refusal]:
        held = await self._client.hgetall(_REFUSED)
        found = {slot.decode(): _decode_refusal(raw) for slot, raw in held.items()}
        return dict(sorted(found.items(), key=lambda item: item[1].offset, reverse=True))

    async def splitting(self) -> dict[str, PendingSplit]:
        return {name.decode(): _decode_pending(raw) for name, raw in (await self._client.hgetall(_SPLITTING)).items()}

    async def split_state(self, id_: str) -> str | None:
        answer = await self._client.hget(_SPLITS, id_)
        return None if answer is None else answer.decode()

    async def deferred(self) -> list[Erasure]:
        return [_decode_erasure(raw) for raw in (await self._client.hgetall(_DEFERRED)).values()]

    async def keep_receipt(self, id_: str, receipt: bytes) -> None:
        await self._client.hset(_RECEIPTS, id_, receipt)

    async def receipt(self, id_: str) -> bytes | None:
        answer: bytes | None = await self._client.hget(_RECEIPTS, id_)
        return answer

    async def state(self) -> LinkState:
        names = ["version", "applied", "refusals", "nonce"]
        version, applied, refusals, nonce = await self._client.hmget(IDENTITY.meta, names)
        at = -1 if applied is None else int(applied)
        return LinkState(int(version or 0), at, int(refusals or 0), (nonce or b"").decode())

    async def commit(self, changes: LinkChanges) -> int:
        return await self._commit(
            IDENTITY,
            version=changes.version,
            applied=changes.applied,
            watermark=None,
            produced=changes.produced,
            outputs=changes.outputs,
            groups=link_groups(changes),
            nonce=changes.nonce,
            own_nonce=changes.own_nonce,
        )

    async def outbox(self) -> list[tuple[int, list[Output]]]:
        return await self._outbox(IDENTITY)

    async def clear_outbox(self, up_to: int) -> None:
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
    groups += _written(_CLAIMS, {_field(key): _packed(value) for key, value in changes.claims.items()})
    when = {key: None if value is None else repr(value) for key, value in changes.suppressed.items()}
    groups += _written(_SUPPRESSED, when)
    groups += _written(_LIFTED, {key: _packed(value) for key, value in changes.lifted.items()})
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
