"""Files are sent in portions, and how far it got is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.files.delivery import MAX_BYTES
from console.files.rows import Item
from console.files.sending import EVENTS, Bookmark, Chunk, chunks
from profiles.errors import Misconfigured


def test_portions_hold_what_a_request_can_carry() -> None:
    """By number and by size; every good row is in exactly one, in order."""
    small = [Item(line, "web", b"{}", row=line) for line in range(1, EVENTS + 2)]
    large = [Item(line, "app", b"x" * 30_000, row=line) for line in range(2000, 2040)]
    bad = Item(1500, problem="bad", row=1500)

    portions = list(chunks([*small, bad, *large]))

    assert sum(portion.count for portion in portions) == EVENTS + 1 + 40
    assert [portion.row for portion in portions][:1] == [EVENTS]
    assert all(portion.count <= EVENTS and portion.size <= MAX_BYTES for portion in portions)
    assert [portion.row for portion in portions] == sorted(portion.row for portion in portions)


def test_a_bookmark_is_found_again(tmp_path: Path) -> None:
    """By the same file, sent in the same way to the same server; by nothing else."""
    first = Bookmark(tmp_path, Path("/data/orders.csv"), "here")
    first.advance(Chunk(row=7, count=6))
    first.finish()

    again = Bookmark(tmp_path, Path("/data/orders.csv"), "here")
    again.load()
    elsewhere = Bookmark(tmp_path, Path("/data/orders.csv"), "there")
    elsewhere.load()

    assert (again.row, again.events, again.complete) == (7, 6, True)
    assert (elsewhere.row, elsewhere.complete) == (0, False)


def test_a_broken_bookmark_says_how_to_go_on(tmp_path: Path) -> None:
    """Not a stack trace."""
    bookmark = Bookmark(tmp_path, Path("orders.csv"), "here")
    bookmark.save()
    bookmark.path.write_text("{")

    with pytest.raises(Misconfigured, match="--restart"):
        bookmark.load()
