"""Which parts of the archive tables are made for, and under which names: each part by itself, again when it changed.

A unit is a month that is over, or a day of the latest weeks (UTC). The name of its file holds a digest of the archive's
files that it was made of and one of how: so what is missing and what is out of date follow from names alone, whoever
made them and whenever it was killed.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, timedelta

import msgspec

from analysis.archive.folder import Folder
from analysis.archive.manifests import File, State

__all__ = ["CHAINED", "FOLDER", "KINDS", "MARK_EVERY", "UNUSED", "Unit", "mark", "prune", "prune_ways", "units"]

FOLDER = "tables"
"""Below the archive's root. No manifest names what is in it: it may be deleted at any time, and is made anew."""

KINDS = ("facts", "traits", "homes", "days")

CHAINED = ("readings", "readers")
"""Kinds of tables that hang on all units before theirs as well: they go with any file of these."""

UNUSED = 86400.0
"""Seconds after which tables go that were made in a way in which nobody has used the archive since."""

_MARKS = f"{FOLDER}/ways"
"""A file for each way, by its digest: when somebody last used tables made in it."""

MARK_EVERY = 600.0
"""Seconds after which whoever uses tables says so again."""

_DAYS = 40
"""The latest days are units of their own: they change while events of them come in."""


class Unit(msgspec.Struct, frozen=True):
    """A part of the archive, and the files of it."""

    name: str  # 2026-05, 2026-05-04
    files: tuple[File, ...]
    since_begin: str = ""  # a digest of the files of this unit and of all before it

    @property
    def source(self) -> str:
        """A digest of the files."""
        return _digest([file.path for file in self.files])

    def path(self, kind: str, how: str) -> str:
        """Where its table of a kind lies, made in a way."""
        source = self.since_begin if kind in CHAINED else self.source
        return f"{FOLDER}/{kind}/{self.name}-{source}-{how}.parquet"


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
    found, chain = [], hashlib.blake2b(digest_size=6)
    for name in sorted(parts):
        for file in parts[name]:
            chain.update(f"{file.path}\0".encode())
        found.append(Unit(name, tuple(parts[name]), chain.hexdigest()))
    return found


def prune(folder: Folder, state: State) -> list[str]:
    """Delete the tables of files that have been replaced, as when somebody was erased, and those that hang on them;
    answer their names.

    Half written ones of such files go as well, of somebody who is at work or of a crash.
    """
    current = {(unit.name, source) for unit in units(state) for source in (unit.source, unit.since_begin)}
    gone = []
    for name in folder.names(FOLDER):
        if name.startswith(f"{_MARKS}/"):
            continue
        unit, *rest = _parts(name)
        if (unit, rest[0]) not in current if rest else unit != f"{state.number:010d}":
            folder.remove(name)
            gone.append(name)
    return gone


def mark(folder: Folder, how: str, now: float) -> None:
    """Say that tables made in a way are in use, so that nobody deletes them for a day.

    Args:
        folder: of the archive; who may not write to it says nothing, and makes no tables either.
        how: digest of the way.
        now: seconds since 1970.
    """
    before = _marked(folder, how)
    if before is None or not 0 <= now - before < MARK_EVERY:
        with contextlib.suppress(OSError):
            folder.replace(f"{_MARKS}/{how}", repr(now).encode())


def prune_ways(folder: Folder, used: Collection[str], now: float) -> list[str]:
    """Delete the tables made in ways that nobody has used for a day, and their marks; answer the names.

    Such are those of an older version, or of a plan with another zone, currency or rates. Whoever is at work
    in one marks it while it lasts; one without a mark gets it now, and a day.

    Args:
        folder: of the archive.
        used: digests of the ways in which it is open here, which stay.
        now: seconds since 1970.
    """
    tables: defaultdict[str, list[str]] = defaultdict(list)
    for name in folder.names(FOLDER):
        if name.startswith(f"{_MARKS}/"):
            tables[name.rpartition("/")[2].lstrip(".").partition(".")[0]].append(name)
        elif len(parts := _parts(name)) == 3:
            tables[parts[2]].append(name)
    gone = []
    for other in tables.keys() - set(used):
        marked = _marked(folder, other)
        if marked is None:
            mark(folder, other, now)
        elif now - marked > UNUSED:
            for name in tables[other]:
                with contextlib.suppress(OSError):  # who may not delete leaves it to others
                    folder.remove(name)
                    gone.append(name)
    return gone


def _parts(name: str) -> list[str]:
    """Of the name of a table, or of a draft of it: unit, digest of its files, digest of the way."""
    return name.rpartition("/")[2].lstrip(".").partition(".parquet")[0].rsplit("-", 2)


def _marked(folder: Folder, how: str) -> float | None:
    try:
        return float(folder.read(f"{_MARKS}/{how}"))
    except (FileNotFoundError, ValueError):
        return None


def _digest(parts: Sequence[str]) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=6).hexdigest()
