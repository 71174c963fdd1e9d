"""Which parts of the archive tables are made for, and under which names: each part by itself, again when it changed.

A unit is a month that is over, or a day of the latest weeks (UTC). The name of its file holds a digest of the archive's
files that it was made of and one of how: so what is missing and what is out of date follow from names alone, whoever
made them and whenever it was killed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from analysis.archive.folder import Folder
from analysis.archive.manifests import File, State

__all__ = ["FOLDER", "KINDS", "Unit", "prune", "units"]

FOLDER = "tables"
"""Below the archive's root. No manifest names what is in it: it may be deleted at any time, and is made anew."""

KINDS = ("facts", "traits")

_DAYS = 40
"""The latest days are units of their own: they change while events of them come in."""


class Unit(msgspec.Struct, frozen=True):
    """A part of the archive, and the files of it."""

    name: str  # 2026-05, 2026-05-04
    files: tuple[File, ...]

    @property
    def source(self) -> str:
        """A digest of the files."""
        return _digest([file.path for file in self.files])

    def path(self, kind: str, how: str) -> str:
        """Where its table of a kind lies, made in a way."""
        return f"{FOLDER}/{kind}/{self.name}-{self.source}-{how}.parquet"


def units(state: State) -> list[Unit]:
    """The units of an archive, by name."""
    files = state.of("events")
    if not files:
        return []
    newest = date.fromisoformat(max(file.day for file in files))
    daily = (newest - timedelta(days=_DAYS)).replace(day=1).isoformat()
    parts: defaultdict[str, list[File]] = defaultdict(list)
    for file in files:
        parts[file.day if file.day >= daily else file.day[:7]].append(file)
    return [Unit(name, tuple(parts[name])) for name in sorted(parts)]


def prune(folder: Folder, state: State) -> list[str]:
    """Delete the tables of files that have been replaced, as when somebody was erased; answer their names.

    Half written ones of such files go as well, of somebody who is at work or of a crash.
    """
    current = {(unit.name, unit.source) for unit in units(state)}
    gone = []
    for name in folder.names(FOLDER):
        unit, *rest = name.rpartition("/")[2].lstrip(".").partition(".parquet")[0].rsplit("-", 2)
        if (unit, rest[0]) not in current if rest else unit != f"{state.number:010d}":
            folder.remove(name)
            gone.append(name)
    return gone


def _digest(parts: Sequence[str]) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=6).hexdigest()
