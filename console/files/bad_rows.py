"""The rows of a file that cannot become events: counted, told, and set aside as they were if somebody wants that."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from console.files.mapping.table_mapping import NO_TIME
from console.files.rows import FileSpec, Item, head_of
from console.terminal.figures import counted
from console.terminal.output import warn
from profiles.errors import Misconfigured
from streams.visible import visible

__all__ = ["SHOWN", "BadRows"]

SHOWN = 10
"""Bad rows that are named one by one."""


class BadRows:
    """Takes in the bad rows of one file. Use it as a context manager while the file is read.

    Args:
        file: that they are of.
        spec: what it holds.
        aside: write them to FILE.bad, so that they can be corrected and sent.
    """

    def __init__(self, file: Path, spec: FileSpec, *, aside: bool) -> None:
        self.file = file
        self.first: list[Item] = []
        self.count = 0
        self.left_out = 0  # those that the mapping says are no events
        self.timeless = 0  # those that are bad because they have no time
        self._spec = spec
        self._aside = file.with_name(file.name.removesuffix(".gz") + ".bad") if aside else None
        self._written: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._written is not None:
            self._written.close()

    def note(self, item: Item) -> None:
        """Take in one.

        Raises:
            Misconfigured: it cannot be set aside.
        """
        if item.meant:
            self.left_out += 1
            return
        self.count += 1
        self.timeless += item.problem == NO_TIME
        if len(self.first) < SHOWN:
            self.first.append(item)
        if self._aside is not None:
            self._write(item.raw)

    def told(self) -> list[str]:
        """The first of them, each with its line and what is wrong."""
        return [f"{self.file}, line {item.line}: {visible(item.problem)}" for item in self.first]

    def report(self) -> None:
        """Say what was set aside.

        Raises:
            Misconfigured: there are bad rows, and they were not set aside.
        """
        if self.left_out:
            are = "is no event" if self.left_out == 1 else "are no events"
            warn(f"{counted(self.left_out, 'row')} of {self.file} {are}, as the mapping says")
        if not self.count:
            return
        if self._aside is None:
            more = self.count - 1
            rest = f" ({more:,} more {'row is' if more == 1 else 'rows are'} bad)" if more else ""
            raise Misconfigured(
                f"{self.told()[0]}{rest}. Nothing was sent; correct the file, or use --skip-bad to set bad rows aside."
            )
        for line in self.told():
            warn(line)
        warn(f"{counted(self.count, 'bad row')} {'is' if self.count == 1 else 'are'} in {self._aside}")

    def _write(self, raw: str) -> None:
        assert self._aside is not None
        try:
            if self._written is None:
                encoding = self._spec.encoding or "utf-8"  # so that the same command reads it
                self._written = self._aside.open("w", encoding=encoding, errors="surrogateescape", newline="")
                if header := head_of(self.file, self._spec):
                    self._written.write(f"{header}\n")
            self._written.write(f"{raw}\n")
        except OSError as error:
            raise Misconfigured(f"bad rows cannot be written to {self._aside}: {error}. Nothing was sent.") from error
