"""Where an archive lies: a local folder, or any URL that fsspec knows (`s3://…`, `gs://…`, `memory://…`)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem
from pyarrow.fs import FSSpecHandler, PyFileSystem

from profiles.errors import Misconfigured

__all__ = ["ROW_GROUP", "Folder"]

ROW_GROUP = 32_768
"""Rows of one group of a Parquet file: small enough that a range of homes can be read without the rest."""


class Folder:
    """Files under one root, named by their paths below it.

    Args:
        url: a folder or an fsspec URL.
        named_by: the setting that says it, for who has to mend it.

    Raises:
        Misconfigured: fsspec does not know such a URL, or its driver is not installed.
    """

    def __init__(self, url: str, named_by: str = "RAPPORT_ARCHIVE") -> None:
        if not url:
            raise Misconfigured(f"no archive is named; set {named_by} to a folder or a URL such as s3://bucket/rapport")
        try:
            self.fs, root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise Misconfigured(f"{named_by}={url} cannot be opened: {error}") from error
        self.root = root.rstrip("/")
        self.local = isinstance(self.fs, LocalFileSystem)

    def path(self, name: str) -> str:
        """The path of a file as its filesystem knows it."""
        return f"{self.root}/{name}"

    def url(self, name: str) -> str:
        """The path of a file as DuckDB and others take it: with its protocol, unless it is local."""
        return self.path(name) if self.local else str(self.fs.unstrip_protocol(self.path(name)))

    def arrow(self) -> Any:
        """The filesystem for pyarrow."""
        return pa.fs.LocalFileSystem() if self.local else PyFileSystem(FSSpecHandler(self.fs))

    def names(self, folder: str) -> list[str]:
        """The names of all files below a folder, however deep."""
        self.fs.invalidate_cache()
        try:
            found = self.fs.find(self.path(folder))
        except FileNotFoundError:
            return []
        return [name[len(self.root) + 1 :] for name in found]

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return bytes(self.fs.cat_file(self.path(name)))

    def write_table(self, name: str, table: pa.Table, *, shared: bool = False) -> int:
        """Write a Parquet file, as `writer` does; answer its bytes."""
        with self.writer(name, table.schema, shared=shared) as writer:
            writer.write_table(table, row_group_size=ROW_GROUP)
        return self.size(name)

    def size(self, name: str) -> int:
        """Bytes of a file."""
        return int(self.fs.size(self.path(name)))

    @contextlib.contextmanager
    def writer(self, name: str, schema: pa.Schema, *, shared: bool = False) -> Iterator[Any]:
        """A Parquet writer of one file, which is there when this ends without an error; locally, safe on the disk.

        Args:
            name: of the file.
            schema: of its rows.
            shared: whether several may write it at once. Each then has a draft of its own, and who uses this takes away
                those that a crash leaves; else the next writer of the file writes over them.
        """
        if not self.local:
            with (
                self.fs.open(self.path(name), "wb") as file,
                pq.ParquetWriter(file, schema, compression="zstd") as writer,
            ):
                yield writer
            return
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        # Readers of the whole folder pass over it.
        hidden = path.with_name(f".{path.name}.{os.urandom(4).hex()}" if shared else f".{path.name}")
        try:
            with hidden.open("wb") as file:
                with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                    yield writer
                file.flush()
                os.fsync(file.fileno())
            hidden.replace(path)
        except BaseException:
            hidden.unlink(missing_ok=True)
            raise
        _sync(path.parent)

    def create(self, name: str, content: bytes) -> None:
        """Write a file that must not be there yet; whole or not at all.

        Locally, and on stores with conditional writes (S3, Google, Azure), of two writers one succeeds. On others a
        look whether the file is there has to do.

        Raises:
            FileExistsError: it is there.
        """
        if not self.local:
            self.fs.invalidate_cache()
            self.fs.pipe_file(self.path(name), content, mode="create")
            return
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        finally:
            draft.unlink()
        _sync(path.parent)

    def holds(self, name: str, content: bytes) -> bool:
        """Whether a file is there and has this content."""
        try:
            return self.read(name) == content
        except FileNotFoundError:
            return False

    def replace(self, name: str, content: bytes) -> None:
        """Write a file, in place of one that may be there; readers find the old or the new one, whole."""
        if not self.local:
            self.fs.pipe_file(self.path(name), content)
            return
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        _sync(path.parent)

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self.fs.rm_file(self.path(name))


def _sync(folder: Path) -> None:
    """Make the names in a folder last, not only what is in the files."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
