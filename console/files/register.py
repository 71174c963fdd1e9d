"""Which files were sent where, and as what events: so that one file does not count twice in two ways."""

from __future__ import annotations

import time
from hashlib import blake2b
from pathlib import Path

import msgspec

from console.files.sending import write_whole
from profiles.errors import Misconfigured

__all__ = ["Register", "Sent", "sent_before_ids"]


class Sent(msgspec.Struct):
    """One way in which a file was sent. JSON."""

    says: str  # stands for all of its events
    at: float  # when it was begun; wall clock, seconds


class _LineMark(msgspec.Struct):
    """How far a file was sent by a version that counted lines, and named rows by the file that they stood in."""

    file: str
    line: int


def sent_before_ids(data: Path, file: Path) -> Sent | None:
    """When a version with other ids of rows began to send a file, or sent all of it, if it has not changed since.

    Args:
        data: the data directory.
        file: its whole path.
    """
    for path in sorted((data / "sends").glob("*.json")):
        try:
            mark = msgspec.json.decode(path.read_bytes(), type=_LineMark)
            if mark.file == str(file) and file.stat().st_mtime <= (at := path.stat().st_mtime):
                return Sent("", at)
        except (OSError, msgspec.MsgspecError):  # another file of ours
            continue
    return None


class Register:
    """In which ways one file was sent to one server; survives the process.

    Args:
        data: the data directory.
        identity: stands for the server and the bytes of the file.
    """

    def __init__(self, data: Path, identity: str) -> None:
        name = blake2b(identity.encode(), digest_size=8).hexdigest()
        self.path = data / "sends" / f"ways-{name}.json"

    def otherwise(self, says: str) -> Sent | None:
        """The latest way in which it was sent, if it was never sent in this one.

        Raises:
            Misconfigured: what is noted cannot be read.
        """
        ways = self._read()
        return None if not ways or any(way.says == says for way in ways) else ways[-1]

    @property
    def empty(self) -> bool:
        """Whether it was never sent.

        Raises:
            Misconfigured: what is noted cannot be read.
        """
        return not self._read()

    def note(self, says: str) -> None:
        """It is being sent in this way.

        Raises:
            Misconfigured: what is noted cannot be read, or written.
        """
        ways = [way for way in self._read() if way.says != says]
        write_whole(self.path, msgspec.json.encode([*ways, Sent(says, time.time())]))

    def _read(self) -> list[Sent]:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=list[Sent])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError) as error:
            raise Misconfigured(f"{self.path} cannot be read ({error}); delete it to begin anew") from error
