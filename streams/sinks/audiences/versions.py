"""The versions of a segment's table, as files.

    audiences/SEGMENT/latest.json                       the newest version, whole
    audiences/SEGMENT/members-0000000012-8c1f….parquet   everybody who is in it
    audiences/SEGMENT/changes-0000000012-8c1f….parquet   what changed since version 11
    audiences/SEGMENT/_versions/0000000012.json         what `latest.json` is a copy of

A version is there once its file in `_versions` is, which is written last, whole, and by one of several writers only. A
writer that is killed leaves files that no version names; the next one takes them away. `latest.json` may be a version
behind after such a kill, never ahead, and is mended by the next look.
"""

from __future__ import annotations

import os
import re
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.archive.folder import Folder
from profiles.errors import RapportError

__all__ = ["ROOT", "Kept", "Overtaken", "Tables", "Version", "written"]

ROOT = "audiences"
FORMAT = 1

_FILE = re.compile(r"\.?(members|changes)-(\d{10})-[0-9a-f]{8}\.parquet")
_NUMBER = re.compile(r"\d{10}\.json")


class Overtaken(Exception):
    """Another writer has made the next version meanwhile; what it wrote counts."""


class Kept(msgspec.Struct, frozen=True):
    """The changes of one version, as long as they can be read."""

    number: int
    at: float
    path: str
    entered: int = 0
    left: int = 0
    changed: int = 0


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A segment's table at one moment."""

    format: int = FORMAT
    segment: str
    number: int
    at: float  # when the store was read, seconds since the epoch
    plan: int  # version of the plan
    members: str  # file, below the root
    rows: int
    bytes: int
    changes: list[Kept] = []  # from the oldest to that of this version; a version without changes begins anew


_decode = msgspec.json.Decoder(Version).decode
_encode = msgspec.json.Encoder().encode


def written(folder: Folder) -> list[str]:
    """The segments of which there are tables, or files of any."""
    names = (name.split("/") for name in folder.names(ROOT))
    return sorted({parts[1] for parts in names if len(parts) > 2})


class Tables:
    """The tables of one segment.

    Args:
        folder: in which the audiences are.
        segment: its name.
    """

    def __init__(self, folder: Folder, segment: str) -> None:
        self._folder = folder
        self._segment = segment
        self._root = f"{ROOT}/{segment}"

    def newest(self) -> Version | None:
        """The newest version; None if there is none yet.

        Raises:
            RapportError: it cannot be read, or is of a newer Rapport.
        """
        numbers = self._numbers()
        if not numbers:
            return None
        name = self._version(numbers[-1])
        try:
            found = _decode(self._folder.read(name))
        except (msgspec.MsgspecError, FileNotFoundError) as error:
            raise RapportError(f"{name} cannot be read ({error}); remove audiences/{self._segment}") from error
        if found.format > FORMAT:
            raise RapportError(f"{name} was written by a newer Rapport; update this one")
        return found

    def read(self, version: Version) -> pa.Table:
        """Everybody who is in a version.

        Raises:
            OSError, pyarrow.ArrowException: the file is missing or damaged.
        """
        with self._folder.fs.open(self._folder.path(version.members), "rb") as file:
            return pq.read_table(file)

    def publish(
        self, before: Version | None, members: pa.Table, changes: pa.Table | None, *, at: float, plan: int, keep: float
    ) -> Version:
        """Make the next version, then take away what no version needs.

        Args:
            before: the newest.
            members, changes: its tables; no changes: readers are to begin anew.
            at: when the store was read, seconds.
            plan: version of the plan.
            keep: seconds for which changes can be read.

        Raises:
            Overtaken: another writer was first; nothing is left of this one.
            OSError: the filesystem does not take it.
        """
        number = 1 if before is None else before.number + 1
        token = os.urandom(4).hex()
        path, told = (f"{self._root}/{kind}-{number:010d}-{token}.parquet" for kind in ("members", "changes"))
        files = [path]
        kept: list[Kept] = []
        try:
            size = self._folder.write_table(path, members)
            if changes is not None and before is not None:
                files.append(told)
                self._folder.write_table(told, changes)
                counts = {name: changes["change"].to_pylist().count(name) for name in ("entered", "left", "changed")}
                kept = [each for each in before.changes if each.at > at - keep]
                kept.append(Kept(number, at, told, **counts))
            version = Version(
                segment=self._segment, number=number, at=at, plan=plan, members=path, rows=members.num_rows,
                bytes=size, changes=kept,
            )  # fmt: skip
            self._folder.create(self._version(number), _encode(version))
        except FileExistsError as error:
            self._drop(files)
            raise Overtaken from error
        except BaseException:
            self._drop(files)
            raise
        self.tidy(version, before)
        return version

    def tidy(self, newest: Version, before: Version | None = None, *, old: bool = True) -> None:
        """Have `latest.json` name the newest version, and take away all files but its own and those of the one before,
        which readers may be reading; none if the newest is not `old` enough for that to be over."""
        document = _encode(newest)
        latest = f"{self._root}/latest.json"
        if not self._folder.holds(latest, document):
            self._folder.replace(latest, document)
        if not old:
            return
        needed = {newest.members, *(each.path for each in newest.changes)}
        needed |= set() if before is None else {before.members, *(each.path for each in before.changes)}
        kept = {newest.number, *([] if before is None else [before.number])}
        for name in self._folder.names(self._root):
            file = name.rpartition("/")[2]
            if (found := _FILE.fullmatch(file)) and int(found[2]) <= newest.number and name not in needed:
                self._folder.remove(name)
            if _NUMBER.fullmatch(file) and int(file[:10]) < newest.number and int(file[:10]) not in kept:
                self._folder.remove(name)

    def remove(self) -> int:
        """Take away all of a segment that is written no more; answers how many files that were."""
        names = self._folder.names(self._root)
        ours = [name for name in names if self._is_ours(name.rpartition("/")[2])]
        self._drop(sorted(ours, key=lambda name: not name.endswith("latest.json")))
        return len(ours)

    def _is_ours(self, file: str) -> Any:
        return file == "latest.json" or _FILE.fullmatch(file) or _NUMBER.fullmatch(file)

    def _numbers(self) -> list[int]:
        names = (name.rpartition("/")[2] for name in self._folder.names(f"{self._root}/_versions"))
        return sorted(int(name[:10]) for name in names if _NUMBER.fullmatch(name))

    def _version(self, number: int) -> str:
        return f"{self._root}/_versions/{number:010d}.json"

    def _drop(self, names: list[str]) -> None:
        for name in names:
            self._folder.remove(name)
