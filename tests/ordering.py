"""In which order tests run side by side: what takes minutes first, so that no processor waits for a late one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import REPOSITORY

__all__ = ["long_first"]

LONG = tuple(REPOSITORY / "tests" / name for name in ("integration", "models", "worlds"))
LONGEST = ("test_faults.py", "faults", "rebuild", "models")
"""Files and folders of these whose tests take longest; the first takes minutes."""


def long_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """The tests that take long, dealt out file by file to the beginning of what each worker is given.

    Each worker begins with an equal part of the list, one after the other, and at the end takes from others what they
    have not begun. Only short tests are left then.
    """
    files: dict[Path, list[pytest.Item]] = {}
    others: list[pytest.Item] = []
    for item in items:
        (files.setdefault(item.path, []) if any(map(item.path.is_relative_to, LONG)) else others).append(item)
    parts: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for number, path in enumerate(sorted(files, key=_rank)):
        parts[number % workers].extend(files[path])
    for part in parts:
        room = max(0, len(items) // workers - len(part))
        part.extend(others[:room])
        del others[:room]
    return [*(item for part in parts for item in part), *others]


def _rank(path: Path) -> int:
    """Where a file comes; those of one rank stay as they are."""
    return next((rank for rank, name in enumerate(LONGEST) if name in (path.name, path.parent.name)), len(LONGEST))
