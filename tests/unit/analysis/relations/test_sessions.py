"""Where one session ends and the next begins."""

from __future__ import annotations

from typing import Any

from analysis.base import Base
from analysis.parameters import Parameters
from analysis.relations.sessions import sessions
from tests.analysed import archived, happened


def sessions_of(*rows: dict[str, Any], **links: str) -> list[tuple[str, int, int]]:
    engine = archived(rows, until="04-01", links=links)
    found = sessions(Base(engine, Parameters())).order_by("customer", "us", "log_offset")
    return [(row["customer"], row["session"], row["place"]) for row in engine.fetch(found).to_pylist()]


def test_only_a_pause_ends_a_session() -> None:
    found = sessions_of(
        happened("A", "visit", "03-01 23:50"),
        happened("A", "visit", "03-02 00:20", utm_campaign="another"),  # 30 minutes: not longer than the gap
        happened("A", "view", "03-02 00:50:00.000001"),
        happened("A", "ticket_opened", "03-02 01:05"),  # not done on the site
        happened("A", "purchase", "03-02 01:20"),
        happened("B", "visit", "03-02 01:00"),
    )
    assert found == [("A", 1, 1), ("A", 1, 2), ("A", 2, 1), ("A", 2, 2), ("B", 1, 1)]


def test_of_those_who_became_one_sessions_join() -> None:
    rows = [happened("A", "visit", "03-01 10:00"), happened("A", "visit", "03-01 10:40"),
            happened("B", "view", "03-01 10:20")]  # fmt: skip
    assert [session for _, session, _ in sessions_of(*rows)] == [1, 2, 1]
    assert [session for _, session, _ in sessions_of(*rows, B="A")] == [1, 1, 1]
