"""Changing an archive: one manifest at a time, whoever writes it.

Creating the file of the next number is the commit, and of two writers one succeeds. The other looks at what came
before it: an archiver gives way to another archiver, and everybody else tries again under the next number, unless the
files that it wanted to replace have gone.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from analysis.archive.folder import Folder
from analysis.archive.manifests import CHECKPOINT, FORMAT, File, Manifest, load, manifest_name, newer
from profiles.errors import Misconfigured, RapportError

__all__ = ["Changed", "ManifestLog", "Overtaken"]

log = logging.getLogger(__name__)


class Overtaken(RapportError):
    """Another archiver writes to this archive. Nothing of the present flush counts, and nothing is lost."""


class Changed(Exception):
    """What was to be replaced is gone, or may have been: look again and do it anew."""


class ManifestLog:
    """The manifests of one archive, for one writer of it.

    Args:
        folder: the archive.
        writer: a token of this process.
        clock: answers the time.
        owner: an archiver, which follows the log; else somebody who only replaces files.
    """

    def __init__(self, folder: Folder, writer: str, clock: Callable[[], float], *, owner: bool = False) -> None:
        self.folder = folder
        self.writer = writer
        self.state = load(folder)
        self._clock = clock
        self._owner = owner
        self._began = self.state.archiver
        self._names = 0

    def name(self, table: str, day: str) -> str:
        """The path of a new file. Its number is above that of the manifest that it builds on."""
        self._names += 1
        return f"{table}/day={day}/{self.state.number + 1:010d}-{self.writer}{self._names:04x}.parquet"

    def start(self, topic: str, partitions: int, **change: Any) -> None:
        """Become the archive's one archiver: any other stops at its next flush. Removes what crashes left.

        Args:
            topic: real name of the log.
            partitions: how many it has.
            change: `read` of partitions that are new or have lost their beginning, with their `gaps`.

        Raises:
            Misconfigured: the archive is that of another log.
        """
        held = self.state
        if held.partitions and (held.topic, held.partitions) != (topic, partitions):
            raise Misconfigured(
                f"the archive in {self.folder.root} holds {held.topic} with {held.partitions} partitions, not {topic} "
                f"with {partitions}; set RAPPORT_ARCHIVE to another folder"
            )
        self.state.topic, self.state.partitions = topic, partitions
        self._commit("start", change)
        self._sweep()

    def flush(self, **change: Any) -> None:
        """Files and progress of one flush.

        Raises:
            Overtaken: another archiver has started since.
            Changed: files to be removed are gone.
        """
        self._commit("flush", change)

    def replace(self, add: Sequence[File], remove: Sequence[File]) -> None:
        """Other files with the same rows.

        Raises:
            Changed: files to be removed are gone, or an archiver has started, which takes unknown files for left over.
        """
        self._commit("compact", {"add": list(add), "remove": [file.path for file in remove]})

    def snapshot(self, add: Sequence[File], snapshots: dict[int, tuple[int, int]]) -> None:
        """Profiles by day, and how far `profile.changes` was read for them.

        Raises:
            Changed: somebody was erased meanwhile, an archiver has started, or others have written the same.
        """
        self._commit("profiles", {"add": list(add), "snapshots": snapshots})

    def catch_up(self) -> bool:
        """Take in what others have written; whether there was anything.

        Raises:
            Overtaken: we are the archiver, and another one has started.
        """
        others = newer(self.folder, self.state.number)
        for manifest in others:
            self.state.follow(manifest)
        if self._owner and self.state.archiver != self._began:
            raise Overtaken(
                f"another archiver has taken over {self.folder.root}; run one only. Nothing is lost or doubled"
            )
        return bool(others)

    def drop(self, paths: Sequence[str]) -> None:
        """Delete files that no manifest names (any more)."""
        for path in paths:
            self.folder.remove(path)

    def _commit(self, kind: str, change: dict[str, Any]) -> None:
        erased, profiles = dict(self.state.erased), self.state.of("profiles")
        while True:
            manifest = self._manifest(kind, change)
            try:
                self.folder.create(manifest_name(manifest.number), msgspec.json.encode(manifest))
            except FileExistsError:
                self.catch_up()
                self._check(change)
                if kind == "profiles" and self.state.erased != erased:
                    raise Changed from None  # rows may be of who was erased
                if change.get("erased") and self.state.of("profiles") != profiles:
                    raise Changed from None  # rows of who is erased may have come
                continue
            self.state.follow(manifest)
            self._began = self.state.archiver
            self.drop(change.get("remove", ()))
            if manifest.state is not None:
                self._forget(manifest.number)
            return

    def _manifest(self, kind: str, change: dict[str, Any]) -> Manifest:
        add: list[File] = change.get("add", [])
        manifest = Manifest(
            number=self.state.number + 1,
            kind=kind,
            writer=self.writer,
            at=self._clock(),
            format=FORMAT,
            topic=self.state.topic,
            partitions=self.state.partitions,
            rows=sum(file.rows for file in add),
            bytes=sum(file.bytes for file in add),
            **change,
        )
        if manifest.number % CHECKPOINT == 0:
            state = copy.deepcopy(self.state)
            state.follow(manifest)
            manifest.state = state
        return manifest

    def _check(self, change: dict[str, Any]) -> None:
        """See whether a change is still right after what others have written."""
        read: dict[int, tuple[int, int]] = change.get("read", {})
        if any(self.state.read.get(partition, begin) != begin for partition, (begin, _) in read.items()):
            raise Overtaken(
                f"another archiver has written to {self.folder.root}; run one only. Nothing is lost or doubled"
            )
        snapshots: dict[int, tuple[int, int]] = change.get("snapshots", {})
        if any(self.state.snapshots.get(partition, begin) != begin for partition, (begin, _) in snapshots.items()):
            raise Changed
        restarted, self._began = self.state.archiver != self._began, self.state.archiver
        if restarted or not self.state.files.keys() >= set(change.get("remove", ())):
            raise Changed

    def _sweep(self) -> None:
        """Delete files that never came to count. Those of a higher number are of somebody who is at work now."""
        for table in ("events", "links", "profiles"):
            for path in self.folder.names(table):
                name = path.rpartition("/")[2].lstrip(".")
                if path not in self.state.files and name[:10].isdigit() and int(name[:10]) <= self.state.number:
                    log.info("removing %s, which a crash left", path)
                    self.folder.remove(path)

    def _forget(self, checkpoint: int) -> None:
        """Delete the manifests that two checkpoints cover; readers may still be at those of the one before."""
        for number in range(checkpoint - CHECKPOINT - 1, 0, -1):
            if not self._exists(number):
                break
            self.folder.remove(manifest_name(number))

    def _exists(self, number: int) -> bool:
        return bool(self.folder.fs.exists(self.folder.path(manifest_name(number))))
