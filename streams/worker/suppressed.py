"""Who was erased, as ingest knows it: a set that is read again when it has grown."""

from __future__ import annotations

from functools import lru_cache

from profiles.identity.secrets import suppression
from profiles.stores.links import LinkStore
from streams.retry import retrying

__all__ = ["Suppressed"]


class Suppressed:
    """The homes of erased customers, by the keyed hash of their id.

    It may be a second old. What gets past it in that second ends at the tombstone that each home of an erased customer
    has.
    """

    def __init__(self, store: LinkStore, key: bytes) -> None:
        self._store = store
        self._hashes: set[str] = set()
        self._hash = lru_cache(maxsize=200_000)(lambda home: suppression(key, str(home)))

    def __contains__(self, home: object) -> bool:
        return bool(self._hashes) and self._hash(home) in self._hashes

    @retrying
    async def refresh(self) -> None:
        """Look for new ones."""
        if await self._store.count_suppressed() != len(self._hashes):
            self._hashes = await self._store.all_suppressed()
