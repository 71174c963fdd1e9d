"""Which training records were taken before: the outbox may deliver one again.

The latest digests, in chunks of which only the last changes. Whoever takes over partitions delivers the training
records of the last commit of each again, so as many are remembered as such commits may hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

from models.codec import decode, encode

__all__ = ["MEMORY", "Repeats"]

MEMORY = 1 << 16
"""How many of the latest training records are remembered at least: 16 partitions' commits of 1,000 due customers, four
each."""

_CHUNK = 512
_SIZE = 8  # bytes of a digest


class Repeats:
    """A bounded memory."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()
        self._chunks: dict[int, list[bytes]] = {}
        self._encoded: dict[int, bytes] = {}  # of chunks that are full
        self._last = 0

    def __len__(self) -> int:
        return len(self._known)

    def first_time(self, key: str) -> bool:
        """Whether this key is new; it no longer is."""
        digest = blake2b(key.encode(), digest_size=_SIZE).digest()
        if digest in self._known:
            return False
        self._known.add(digest)
        chunk = self._chunks.setdefault(self._last, [])
        chunk.append(digest)
        if len(chunk) == _CHUNK:
            self._last += 1
            oldest = self._last - MEMORY // _CHUNK - 1
            if (gone := self._chunks.pop(oldest, None)) is not None:
                self._known.difference_update(gone)
                self._encoded.pop(oldest, None)
        return True

    def parts(self) -> dict[str, bytes]:
        """Everything as JSON, a part for each chunk."""
        for number, chunk in self._chunks.items():
            if number < self._last and number not in self._encoded:
                self._encoded[number] = encode(b"".join(chunk))
        full = {str(number): self._encoded[number] for number in self._chunks if number < self._last}
        return full | {str(self._last): encode(b"".join(chunk)) for chunk in [self._chunks.get(self._last)] if chunk}

    @classmethod
    def from_parts(cls, parts: Mapping[str, bytes]) -> Repeats:
        """The memory whose `parts` these are.

        Raises:
            Misconfigured: they are not whole.
        """
        repeats = cls()
        for number, part in sorted((int(name), part) for name, part in parts.items()):
            held = decode(part, bytes, "the memory of training records")
            chunk = [held[i : i + _SIZE] for i in range(0, len(held), _SIZE)]
            repeats._chunks[number] = chunk
            repeats._known.update(chunk)
            repeats._last = number + (len(chunk) >= _CHUNK)
        return repeats
