"""What people do one after the other, by hand."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from pydantic import ValidationError

from analysis.marketing.paths import FLOWS, OTHER, PATHS, TOP, Asked
from analysis.running import behind, run
from tests.analysed import archived, happened


def session(customer: str, day: str, *roles: str, **facts: Any) -> list[dict[str, Any]]:
    return [happened(customer, role, f"{day} 10:{minute:02}", **facts) for minute, role in enumerate(roles)]


SHOP = [
    *session("A", "03-01", "visit", "visit", "view", "view", "cart", "view", "purchase", "visit"),
    *session("A", "03-02", "visit", "view"),
    *session("B", "03-02", "visit", "view"),
    *session("C", "03-02", "search"),
]


def paths(**asked: Any) -> dict[str, tuple[int, int, int]]:
    rows = run(PATHS, archived(SHOP, until="04-01"), Asked(**asked)).rows
    return {row["path"]: (row["customers"], row["journeys"], row["bought"]) for row in rows}


def test_paths_of_sessions() -> None:
    assert paths() == {
        "visit > view": (2, 2, 0),
        "search": (1, 1, 0),
        "visit > view > cart > view > purchase": (1, 1, 1),
    }
    assert paths(since="2026-03-02")["visit > view"] == (2, 2, 0)
    assert len(paths(since="2026-03-02")) == 2


def test_paths_from_and_to_an_anchor() -> None:
    assert paths(anchor="cart", within=0.5) == {"cart > view > purchase > visit": (1, 1, 1)}
    assert paths(anchor="cart") == {"cart > view > purchase > visit > view": (1, 1, 1)}
    assert paths(anchor="purchase", direction="to") == {"visit > view > cart > view > purchase": (1, 1, 1)}
    assert paths(anchor="delivered") == {}
    with pytest.raises(ValidationError):
        Asked(anchor="anything")


def test_rare_paths_are_one() -> None:
    roles = ("visit", "view", "search", "cart", "login")
    ways = list(permutations(roles, 3))[:TOP]
    often = [each for way in ways for day in ("03-01", "03-02") for each in session(f"often {way}", day, *way)]
    rare = [each for way in list(permutations(roles, 4))[:7] for each in session(f"rare {way}", "03-01", *way)]
    rows = run(PATHS, archived([*often, *rare], until="04-01"), Asked()).rows
    assert [row["journeys"] for row in rows] == [2] * TOP + [7]
    assert rows[-1]["path"] == OTHER
    assert sum(row["share"] for row in rows) == pytest.approx(1)


def test_flows_and_their_lists() -> None:
    engine = archived(SHOP, until="04-01")
    found = {(row["source"], row["target"]): row["value"] for row in run(FLOWS, engine, Asked()).rows}
    assert found == {
        ("1 visit", "2 view"): 3, ("1 search", "2 (end)"): 1, ("2 view", "3 (end)"): 2, ("2 view", "3 cart"): 1,
        ("3 cart", "4 view"): 1, ("4 view", "5 purchase"): 1,
    }  # fmt: skip
    cell = {"position": 1, "source": "1 visit", "target": "2 view"}
    assert [row["customer"] for row in behind(FLOWS, engine, Asked(), cell, "customers").customers] == ["A", "B"]
    back = run(FLOWS, engine, Asked(anchor="view", direction="to")).rows
    assert [(row["source"], row["target"], row["value"]) for row in back] == [
        ("-2 visit", "-1 view", 2), ("-3 (start)", "-2 visit", 2),
    ]  # fmt: skip
    assert OTHER not in {row["source"] for row in back}
