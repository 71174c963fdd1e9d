"""The erased customers, as ingest knows them: a set that is read again when it has grown."""

from __future__ import annotations

from functools import lru_cache

from profiles.identity.secrets import suppression
from profiles.units import LinkStore
from streams.refreshed import Refreshed
from streams.retry import retrying

__all__ = ["Suppressed"]


class Suppressed:
    """The homes of erased customers, by the keyed hash of their id.

    It may be a second old. What gets past it in that second ends at the tombstone that each home of an erased customer
    has.
    """

    def __init__(self, store: LinkStore, key: bytes) -> None:
        async def read(_: int) -> set[str]:
            return await retrying(store.all_suppressed)()

        none: set[str] = set()
        self._hashes = Refreshed(none, retrying(store.count_suppressed), read, lambda held: f"{len(held)} are known")
        self._hash = lru_cache(maxsize=200_000)(lambda home: suppression(key, str(home)))
        self.refresh = self._hashes.refresh

    def __bool__(self) -> bool:
        """Whether anybody was erased."""
        return bool(self._hashes())

    def __contains__(self, home: object) -> bool:
        hashes = self._hashes()
        return bool(hashes) and self._hash(home) in hashes
