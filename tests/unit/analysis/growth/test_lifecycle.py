"""New, returning, resurrected and dormant customers, by hand and against plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta

from analysis.growth.lifecycle import LIFECYCLE, Asked
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import compare_lists, engine_of, history, retold

KINDS = ("new", "returning", "resurrected", "dormant")


def test_months_by_hand() -> None:
    visits = [happened("A", "visit", f"{month}-15") for month in ("01", "02", "04")] + [happened("B", "visit", "02-01")]
    engine = archived(visits, until="05-10")
    rows = run(LIFECYCLE, engine, Asked(interval="month")).rows
    assert [tuple(row[kind] for kind in KINDS) for row in rows] == [
        (1, 0, 0, 0),
        (1, 1, 0, 0),
        (0, 0, 0, 2),
        (0, 0, 1, 0),
        (0, 0, 0, 1),  # so far
    ]
    assert [row["complete"] for row in rows] == [True] * 4 + [False]


def test_the_same_as_plain_python() -> None:
    told = retold(history())
    engine = engine_of(told)
    asked = Asked(since=date(2025, 1, 6), until=date(2025, 12, 1))
    rows = run(LIFECYCLE, engine, asked).rows
    weeks: dict[str, set[date]] = defaultdict(set)
    for customer, day, _ in history().of("visit"):
        weeks[customer].add(day - timedelta(days=day.weekday()))
    for row in rows:
        week, before = row["period"], row["period"] - timedelta(days=7)
        found: Counter[str] = Counter()
        for theirs in weeks.values():
            if week in theirs:
                kind = "new" if min(theirs) == week else "returning" if before in theirs else "resurrected"
                found[kind] += 1
            elif before in theirs:
                found["dormant"] += 1
        assert {kind: row[kind] for kind in KINDS} == {kind: found[kind] for kind in KINDS}, week
    assert len(rows) == 47
    compare_lists(LIFECYCLE, engine, asked, rows)
