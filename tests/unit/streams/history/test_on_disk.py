"""A sequence on disk."""

from __future__ import annotations

import gc
from pathlib import Path

import msgspec
import pytest

from profiles.errors import Misconfigured
from streams.history.on_disk import OnDisk


class Thing(msgspec.Struct, array_like=True):
    number: int
    text: str


def test_items_come_back_as_they_were_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as one likes, and by two who read at a time; the file goes with its owner."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    things = [Thing(i, "x" * (i % 7)) for i in range(1300)]
    kept = OnDisk(Thing)
    kept.extend(things[:700])
    kept.extend(iter(things[700:]))

    assert len(kept) == 1300
    assert list(kept) == things
    assert [one for one, other in zip(kept, kept, strict=True) if one == other] == things
    assert list(tmp_path.iterdir())
    del kept
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_nothing_is_nothing() -> None:
    assert not list(OnDisk(Thing))


def test_a_disk_without_room_is_one_sentence() -> None:
    """With what to do."""
    kept = OnDisk(Thing)
    kept._path = Path("/dev/full")

    with pytest.raises(Misconfigured, match="TMPDIR"):
        kept.extend([Thing(1, "")])
