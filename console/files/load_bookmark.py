"""How far a load of history has come: survives the process, so that the same command goes on."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import msgspec

from console.files.rows import FileSpec
from console.files.sending import write_whole
from profiles.errors import Misconfigured
from streams.history.outcome import Ends

__all__ = ["LoadBookmark", "LoadMark", "load_id"]


class LoadMark(msgspec.Struct):
    """What is known of a load. JSON."""

    id: str
    files: list[str]  # for people
    ordered: list[str] = []  # fingerprints of the files that are in order of time
    events: int = 0  # all of them
    since: float = 0.0  # time of the first, seconds
    until: float = 0.0  # of the last
    customers: int = 0
    done: int = 0  # events that are in Kafka
    began: Ends = {}  # where the topics ended before the first was sent
    ended: Ends = {}  # where they ended after the last
    late: int = 0  # events that had come late before
    begun: float = 0.0  # wall clock, seconds
    sent_at: float = 0.0  # the same, when all were in Kafka
    complete: bool = False  # all are in Kafka
    earliest: float = 0.0  # of the plan when the files were first read: the same rows are events as long as it goes on


def load_id(files: Iterable[tuple[str, str, FileSpec]]) -> str:
    """The id of a load of files: the same for the same contents read in the same way, in whatever order.

    Args:
        files: name, fingerprint and spec of each.
    """
    parts = sorted((mark, spec.model_dump_json(), name) for name, mark, spec in files)
    digest = blake2b("\0".join(part for mark, spec, _ in parts for part in (mark, spec)).encode(), digest_size=4)
    name = min(name for _, _, name in parts).split(".")[0]
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)[:40].strip("-")
    return f"{plain or 'load'}-{digest.hexdigest()}"


class LoadBookmark:
    """The mark of one load into one installation.

    Args:
        data: the data directory.
        id: of the load.
        installation: stands for the Kafka that it goes to.
    """

    def __init__(self, data: Path, id: str, installation: str) -> None:
        self._id = id
        there = blake2b(installation.encode(), digest_size=4).hexdigest()
        self.path = data / "loads" / f"{id}.{there}.json"
        self._folder = data / "loads" / f"{id}.{there}.sorted"

    def read(self) -> LoadMark | None:
        """What an earlier run has left.

        Raises:
            Misconfigured: it cannot be read.
        """
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=LoadMark)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise Misconfigured(f"{self.path} cannot be read ({error}); use --restart to begin anew") from error

    def write(self, mark: LoadMark) -> None:
        """Keep it, whole or not at all.

        Raises:
            Misconfigured: the data directory cannot be written to.
        """
        write_whole(self.path, msgspec.json.encode(mark))

    @contextmanager
    def alone(self) -> Iterator[Path]:
        """A folder for what is sorted, empty, and nobody else with this load meanwhile.

        Raises:
            Misconfigured: another process is loading the same, or the data directory cannot be written to.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = (self.path.with_suffix(".lock")).open("w")
        except OSError as error:
            raise Misconfigured(f"{self._folder} cannot be made ({error}); give --data-dir with a directory") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Misconfigured(f"load {self._id} is under way already, in another process") from error
            try:
                for left in self._folder.iterdir():  # of a run that was killed
                    left.unlink()
                yield self._folder
            finally:
                shutil.rmtree(self._folder, ignore_errors=True)
