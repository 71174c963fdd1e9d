"""What an archive holds: the sum of its manifests.

Each change of an archive is one manifest, `_flushes/NUMBER.json`, numbered without gaps. It names the files that come
and go, and how far the log has been read; so files and progress change together, and a file that no manifest names
does not count. Every CHECKPOINT-th manifest also holds the sum of all up to it, and older ones may be deleted.
"""

from __future__ import annotations

import msgspec

from analysis.archive.folder import Folder
from profiles.errors import RapportError

__all__ = ["CHECKPOINT", "FORMAT", "File", "Gap", "Manifest", "State", "load", "manifest_name", "newer"]

CHECKPOINT = 64
FORMAT = 1
"""Of the manifests."""

_FOLDER = "_flushes"


class File(msgspec.Struct, frozen=True):
    """One Parquet file."""

    path: str  # below the archive's root
    table: str  # events, links, profiles
    day: str  # UTC, of the event time; of profiles the local day at whose end they were so
    rows: int
    bytes: int
    newest: int  # number of the newest flush whose rows it holds
    # Of events: fingerprint of the plan by which the columns of facts were derived, "" if they were not. Of profiles:
    # `all` where everybody has a row.
    facts: str = ""


class Gap(msgspec.Struct, frozen=True):
    """Records that Kafka deleted before they were archived."""

    partition: int
    start: int  # the first that is missing
    end: int  # the first that is there again
    at: float  # when it was found


class State(msgspec.Struct, kw_only=True):
    """An archive at one moment."""

    number: int = 0  # of the last manifest
    topic: str = ""  # real name of the log
    partitions: int = 0  # of the log; 0 for an archive that was never written to
    read: dict[int, int] = {}  # partition → next offset
    origins: dict[int, dict[str, int]] = {}  # partition → "topic/partition" → highest origin offset taken
    files: dict[str, File] = {}
    erased: dict[str, float] = {}  # digest of an erased home → when its rows were removed; see `back`
    gaps: list[Gap] = []
    archiver: str = ""  # token of the one that started last
    flushed: float = 0.0  # when the log was last followed
    snapshots: dict[int, int] = {}  # partition of `profile.changes` → next offset, of profiles by day

    @property
    def away(self) -> dict[str, float]:
        """The erased homes that have not come back."""
        return {digest: at for digest, at in self.erased.items() if at > 0}

    @property
    def back(self) -> dict[str, float]:
        """The erased homes that may come back, with what happened since: kept negative, and as 0 if it is not known."""
        return {digest: -at for digest, at in self.erased.items() if at <= 0}

    def follow(self, manifest: Manifest) -> None:
        """Apply the next manifest, or any that is a checkpoint."""
        if manifest.state is not None:
            for name in self.__struct_fields__:
                setattr(self, name, getattr(manifest.state, name))
            return
        self.number = manifest.number
        self.topic, self.partitions = manifest.topic, manifest.partitions
        self.read.update((partition, end) for partition, (_, end) in manifest.read.items())
        for partition, marks in manifest.origins.items():
            self.origins.setdefault(partition, {}).update(marks)
        for path in manifest.remove:
            del self.files[path]
        self.files.update((file.path, file) for file in manifest.add)
        self.erased.update(manifest.erased)
        self.snapshots.update((partition, end) for partition, (_, end) in manifest.snapshots.items())
        self.gaps.extend(manifest.gaps)
        if manifest.kind == "start":
            self.archiver = manifest.writer
        if manifest.kind == "flush":
            self.flushed = manifest.at

    def of(self, table: str) -> list[File]:
        """The files of one table, by day and name."""
        return sorted((file for file in self.files.values() if file.table == table), key=lambda file: file.path)


class Manifest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One change of an archive."""

    number: int
    kind: str  # start, flush, compact, profiles
    writer: str  # token of the process
    at: float
    format: int
    topic: str
    partitions: int
    read: dict[int, tuple[int, int]] = {}  # partition → first offset read, next offset
    origins: dict[int, dict[str, int]] = {}
    add: list[File] = []
    remove: list[str] = []
    erased: dict[str, float] = {}
    snapshots: dict[int, tuple[int, int]] = {}  # partition of `profile.changes` → first offset read, next offset
    gaps: list[Gap] = []
    rows: int = 0  # of `add`
    bytes: int = 0
    state: State | None = None  # after this change; of every CHECKPOINT-th


_decode = msgspec.json.Decoder(Manifest).decode


def manifest_name(number: int) -> str:
    """The file of a manifest."""
    return f"{_FOLDER}/{number:010d}.json"


def load(folder: Folder) -> State:
    """The archive as it is now.

    Raises:
        RapportError: a manifest is missing or was written by a newer version.
    """
    state = State()
    for manifest in newer(folder, 0):
        state.follow(manifest)
    return state


def newer(folder: Folder, number: int) -> list[Manifest]:
    """What to follow from the state after this number to the present one: the manifests from then, or from the latest
    checkpoint, on.

    Raises:
        RapportError: a manifest is missing or was written by a newer version.
    """
    for _ in range(5):
        there = _numbers(folder)
        last = there[-1] if there else 0
        try:
            return [_read(folder, n) for n in range(max(number + 1, last - last % CHECKPOINT), last + 1)]
        except FileNotFoundError:  # deleted while we read, because there is a newer checkpoint
            continue
    raise RapportError(f"manifests are missing in {folder.root}/{_FOLDER}; restore them")


def _numbers(folder: Folder) -> list[int]:
    names = (name.rpartition("/")[2] for name in folder.names(_FOLDER))
    return sorted(int(name[:-5]) for name in names if name.endswith(".json") and name[:-5].isdigit())


def _read(folder: Folder, number: int) -> Manifest:
    manifest = _decode(folder.read(manifest_name(number)))
    if manifest.format > FORMAT:
        raise RapportError(f"the archive in {folder.root} was written by a newer Rapport; update this one")
    return manifest
