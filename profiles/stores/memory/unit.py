"""What every fenced unit has in common: a version that grows with each commit, and an outbox."""

from __future__ import annotations

from collections.abc import Sequence

from profiles.errors import Fenced
from profiles.store import Output, new_nonce

__all__ = ["MemoryUnit"]


class MemoryUnit:
    """One writer at a time: a commit names the version it stands on.

    Args:
        name: for errors.
        version: that the first commit stands on.
    """

    def __init__(self, name: str, version: int = 0) -> None:
        self._name = name
        self._version = version
        self._nonce = ""  # of the version's commit
        self._waiting: list[tuple[int, list[Output]]] = []

    def _advance(
        self,
        version: int,
        outputs: Sequence[Output],
        produced: int,
        nonce: str | None = None,
        own_nonce: str | None = None,
    ) -> int:
        """Take the next version, or nothing; or none again for a commit that was made already.

        Raises:
            Fenced: another writer has committed since `version`, or that was another one.
        """
        if own_nonce and own_nonce == self._nonce:
            return self._version
        if version != self._version or nonce not in (None, self._nonce):
            raise Fenced(f"{self._name} is no longer at version {version}: another writer has taken over")
        self._version += 1
        self._nonce = own_nonce or new_nonce()
        self._waiting = [entry for entry in self._waiting if entry[0] > produced]
        if outputs:
            self._waiting.append((self._version, list(outputs)))
        return self._version

    async def outbox(self) -> list[tuple[int, list[Output]]]:
        return [(version, list(outputs)) for version, outputs in self._waiting]

    async def clear_outbox(self, up_to: int) -> None:
        self._waiting = [entry for entry in self._waiting if entry[0] > up_to]
