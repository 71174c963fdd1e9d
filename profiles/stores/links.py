"""The linker's store in Redis: which profile an identity belongs to, and which identities a profile holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from profiles.store import Output
from profiles.stores.keys import IDENTITY, IDENTITY_MAP
from profiles.stores.redis import Group, Unit
from profiles.types import Identity

__all__ = ["LinkChanges", "LinkStore", "LinkedIdentities"]

LinkedIdentities = list[Identity]
_decode_identities = msgspec.msgpack.Decoder(list[tuple[str, str]]).decode


@dataclass(slots=True)
class LinkChanges:
    """All that one commit of the linker writes."""

    version: int
    applied: int
    mapping: dict[Identity, str] = field(default_factory=dict)  # identity → profile id
    graph: dict[str, LinkedIdentities | None] = field(default_factory=dict)  # profile id → identities; None removes
    outputs: list[Output] = field(default_factory=list)
    produced: int = 0


class LinkStore(Unit):
    """One writer, the linker; ingest reads the mapping."""

    async def profiles_of(self, identities: Sequence[Identity]) -> dict[Identity, str]:
        """The profile of each identity that has been linked; unlinked ones are left out. One round trip."""
        if not identities:
            return {}
        found = await self._client.hmget(IDENTITY_MAP, [_field(identity) for identity in identities])
        return {identity: id_.decode() for identity, id_ in zip(identities, found, strict=True) if id_ is not None}

    async def identities_of(self, profiles: Sequence[str]) -> dict[str, LinkedIdentities]:
        """The identities of each profile that has links."""
        if not profiles:
            return {}
        found = await self._client.hmget(IDENTITY.profiles, list(profiles))
        return {id_: _decode_identities(raw) for id_, raw in zip(profiles, found, strict=True) if raw is not None}

    async def state(self) -> tuple[int, int]:
        """(version, applied offset or -1)."""
        version, applied = await self._client.hmget(IDENTITY.meta, ["version", "applied"])
        return int(version or 0), int(-1 if applied is None else applied)

    async def commit(self, changes: LinkChanges) -> int:
        """Write everything or nothing; answer the new version.

        Raises:
            Fenced: another linker has committed since `changes.version`.
        """
        mapping: list[Any] = []
        for identity, id_ in changes.mapping.items():
            mapping += (_field(identity), id_)
        kept: list[Any] = []
        for id_, identities in changes.graph.items():
            if identities is not None:
                kept += (id_, msgspec.msgpack.encode(identities))
        removed = [id_ for id_, identities in changes.graph.items() if identities is None]
        groups: list[Group] = [
            ("HSET", IDENTITY_MAP, mapping),
            ("HSET", IDENTITY.profiles, kept),
            ("HDEL", IDENTITY.profiles, removed),
        ]
        return await self._commit(
            IDENTITY,
            version=changes.version,
            applied=changes.applied,
            watermark=None,
            produced=changes.produced,
            outputs=changes.outputs,
            groups=[group for group in groups if group[2]],
        )

    async def outbox(self) -> list[tuple[int, list[Output]]]:
        """What was committed but perhaps not produced."""
        return await self._outbox(IDENTITY)

    async def clear_outbox(self, up_to: int) -> None:
        """Forget outbox entries up to a version."""
        await self._clear_outbox(IDENTITY, up_to)


def _field(identity: Identity) -> str:
    return f"{identity[0]}\0{identity[1]}"
