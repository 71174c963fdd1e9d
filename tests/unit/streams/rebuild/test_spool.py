"""An external sort of records by their times."""

from __future__ import annotations

import random

import pytest

from streams.rebuild import spool as module
from streams.rebuild.spool import Spool, Timed


@pytest.mark.parametrize("run", [1, 3000, 10**9])
def test_records_come_back_in_order_however_many_runs_they_take(run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One record a run, some, all in memory; repeats too, and more runs than are read at a time."""
    monkeypatch.setattr(module, "_TOGETHER", 4)
    chance = random.Random(3)
    records = [Timed(float(chance.randrange(50)), chance.randrange(4), b"%d" % chance.randrange(9)) for _ in range(300)]
    with Spool(run) as spool:
        for record in records:
            spool.add(record)
        assert spool.count == 300
        assert list(spool.in_order()) == sorted(records)


def test_nothing_comes_of_nothing() -> None:
    with Spool() as spool:
        assert list(spool.in_order()) == []
