"""An external sort."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

import pytest

from profiles.errors import Misconfigured
from streams import external_sort as module
from streams.external_sort import ExternalSort


class Thing(NamedTuple):
    time: float
    number: int
    value: bytes


def sorting(folder: Path, run: int) -> ExternalSort[Thing]:
    return ExternalSort(Thing, folder, lambda thing: len(thing.value) + 10, run, "buy another")


@pytest.mark.parametrize("run", [1, 200, 10**9])
def test_items_come_back_in_order_however_many_runs_they_take(
    run: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One item a run, some, all in memory; repeats too, and more runs than are read at a time."""
    monkeypatch.setattr(module, "_TOGETHER", 4)
    chance = random.Random(3)
    things = [Thing(float(chance.randrange(50)), chance.randrange(4), b"%d" % chance.randrange(9)) for _ in range(300)]
    one, other = sorting(tmp_path, run), sorting(tmp_path, run)  # two may share a folder
    for thing in things:
        one.add(thing)
        other.add(thing)
    assert one.count == 300
    assert list(one.in_order()) == list(other.in_order()) == sorted(things)


def test_nothing_comes_of_nothing(tmp_path: Path) -> None:
    assert list(sorting(tmp_path, 10).in_order()) == []


def test_a_disk_without_room_is_one_sentence(tmp_path: Path) -> None:
    """With what to do."""
    with pytest.raises(Misconfigured, match="make some, or buy another"):
        sorting(tmp_path / "nowhere", 1).add(Thing(1.0, 1, b""))
