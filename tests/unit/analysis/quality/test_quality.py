"""What is wrong with events is counted where it comes from."""

from __future__ import annotations

from analysis.parameters import Parameters
from analysis.quality.quality import QUALITY
from analysis.running import run
from tests.analysed import archived, at, happened


def test_each_fault_counts_once_by_source() -> None:
    events = [
        happened("a", "purchase", "03-01", amount=100, subject="1"),
        happened("a", "refund", "03-02", amount=100, subject="1"),
        happened("a", "refund", "03-02", amount=100, subject="unknown"),
        happened("b", "purchase", "03-01", amount=100),
        happened("b", "purchase", "03-01", subject="2"),
        happened("b", "purchase", "03-01", amount=100, subject="3", currency="USD"),
        happened("b", "csat", "03-01"),
        happened("c", "visit", "03-01", source="web", received=at("03-03"), violations=["extra"]),
        happened("c", "visit", "03-01 12:00", source="web", received=at("03-01 11:00")),
    ]
    rows = {row["source"]: row for row in run(QUALITY, archived(events, until="04-01"), Parameters()).rows}
    shop, web = rows["purchase"], rows["web"]
    assert [shop[name] for name in ("events", "missing", "no_rate", "unnamed", "unlinked")] == [7, 2, 1, 1, 1]
    assert [web[name] for name in ("events", "violating", "late", "ahead", "unlinked")] == [2, 1, 1, 1, 0]
    assert web["late_share"] == 0.5
