"""The linker's store in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from profiles.identity.links import Claim, Erasure, Lifted, Linked, PendingSplit, Refusal, decode_linked, encode_linked
from profiles.stores.memory.unit import MemoryUnit
from profiles.types import Identity
from profiles.units import LinkChanges, LinkState

__all__ = ["MemoryLinkStore"]

K = TypeVar("K")
V = TypeVar("V")


class MemoryLinkStore(MemoryUnit):
    """Keeps links as the bytes that Redis holds, so that what was read is never what is held.

    Args:
        version: that the first commit stands on.
    """

    def __init__(self, version: int = 0) -> None:
        super().__init__("the linker", version)
        self._applied = -1
        self._refusals = 0
        self._mapping: dict[Identity, str] = {}
        self._linked: dict[str, bytes] = {}
        self._apart: dict[Identity, list[Identity]] = {}
        self._claims: dict[Identity, list[Claim]] = {}
        self._suppressed: dict[str, float] = {}
        self._lifted: dict[str, Lifted] = {}
        self._refused: dict[str, Refusal] = {}
        self._splitting: dict[str, PendingSplit] = {}
        self._splits: dict[str, str] = {}
        self._deferred: dict[str, Erasure] = {}
        self._receipts: dict[str, bytes] = {}

    async def profiles_of(self, identities: Sequence[Identity]) -> dict[Identity, str]:
        return {identity: self._mapping[identity] for identity in identities if identity in self._mapping}

    async def met(
        self, identities: Sequence[Identity], stated: Sequence[Identity]
    ) -> tuple[dict[Identity, str], set[Identity]]:
        return await self.profiles_of(identities), {identity for identity in stated if identity in self._claims}

    async def linked_to(self, profiles: Sequence[str]) -> dict[str, Linked]:
        return {id_: decode_linked(self._linked[id_]) for id_ in profiles if id_ in self._linked}

    async def apart(self) -> dict[Identity, list[Identity]]:
        return {identity: list(others) for identity, others in self._apart.items()}

    async def claims(self, identities: Sequence[Identity]) -> dict[Identity, list[Claim]]:
        return {identity: list(self._claims[identity]) for identity in identities if identity in self._claims}

    async def claims_about(self, gone: Callable[[Identity], bool]) -> dict[Identity, list[Claim]]:
        return {
            identity: list(claims)
            for identity, claims in self._claims.items()
            if gone(identity) or any(gone(claim.anchor) for claim in claims)
        }

    async def suppressed(self, hashes: Sequence[str]) -> dict[str, float]:
        return {hash_: self._suppressed[hash_] for hash_ in hashes if hash_ in self._suppressed}

    async def count_suppressed(self) -> tuple[int, int]:
        return len(self._suppressed), len(self._lifted)

    async def all_suppressed(self) -> dict[str, float]:
        return dict(self._suppressed)

    async def lifted(self) -> dict[str, Lifted]:
        return dict(self._lifted)

    async def refusals(self) -> dict[str, Refusal]:
        return dict(sorted(self._refused.items(), key=lambda item: item[1].offset, reverse=True))

    async def splitting(self) -> dict[str, PendingSplit]:
        return dict(self._splitting)

    async def split_state(self, id_: str) -> str | None:
        return self._splits.get(id_)

    async def deferred(self) -> list[Erasure]:
        return list(self._deferred.values())

    async def keep_receipt(self, id_: str, receipt: bytes) -> None:
        self._receipts[id_] = receipt

    async def receipt(self, id_: str) -> bytes | None:
        return self._receipts.get(id_)

    async def state(self) -> LinkState:
        return LinkState(self._version, self._applied, self._refusals, self._nonce)

    async def commit(self, changes: LinkChanges) -> int:
        version = self._advance(changes.version, changes.outputs, changes.produced, changes.nonce, changes.own_nonce)
        self._applied = changes.applied
        for slot in changes.refused_gone:
            self._refused.pop(slot, None)
        linked = {
            id_: None if identities is None else encode_linked(identities, changes.links)
            for id_, identities in changes.graph.items()
        }
        _write(self._mapping, changes.mapping)
        _write(self._linked, linked)
        _write(self._apart, changes.apart)
        _write(self._claims, changes.claims)
        _write(self._suppressed, changes.suppressed)
        _write(self._lifted, changes.lifted)
        _write(self._splitting, changes.splitting)
        _write(self._splits, changes.splits)
        _write(self._deferred, changes.deferred)
        _write(self._refused, changes.refused)
        if changes.refused:
            self._refusals = changes.refusals
        return version


def _write(held: dict[K, V], changes: Mapping[K, V | None] | Mapping[K, V]) -> None:
    """None removes."""
    for key, value in changes.items():
        if value is None:
            held.pop(key, None)
        else:
            held[key] = value
