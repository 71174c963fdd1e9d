"""The erased customers, as ingest knows them: a set that is read again when it has grown."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from profiles.identity.links import Lifted
from profiles.identity.secrets import suppression
from profiles.units import LinkStore
from streams.refreshed import Refreshed
from streams.retry import retrying

__all__ = ["Suppressed"]


class Suppressed:
    """When which homes were erased, and since when some may come back, by the keyed hash of their id.

    It may be a second old. What gets past it in that second ends at the tombstone that each home of an erased customer
    has.
    """

    def __init__(self, store: LinkStore, key: bytes) -> None:
        async def read(_: tuple[int, int]) -> _Known:
            erased = await retrying(store.all_suppressed)()
            return _Known(erased, _since((await retrying(store.lifted)()).values()))

        self._known = Refreshed(_Known({}, {}), retrying(store.count_suppressed), read, lambda _: "others are known")
        self._hash = lru_cache(maxsize=200_000)(lambda home: suppression(key, str(home)))
        self.refresh = self._known.refresh

    def __bool__(self) -> bool:
        """Whether anybody was erased."""
        erased, lifted = self._known()
        return bool(erased or lifted)

    def drops(self, home: str, time: float) -> bool:
        """Whether what happened to a home at a time is of an erased customer."""
        erased, lifted = self._known()
        hash_ = self._hash(home)
        return hash_ in erased or time < lifted.get(hash_, -math.inf)

    def erased_before(self, home: str, time: float) -> bool:
        """Whether a home was erased before a time, and is."""
        return self._known().erased.get(self._hash(home), math.inf) < time


class _Known(NamedTuple):
    erased: dict[str, float]  # hash → when
    lifted: dict[str, float]  # hash → since when it may come back


def _since(every: Iterable[Lifted]) -> dict[str, float]:
    latest: dict[str, float] = {}
    for one in every:
        latest[one.subject] = max(one.since, latest.get(one.subject, one.since))
    return latest
