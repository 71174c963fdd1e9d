"""Movements of MRR: opening and movements are the closing, to the cent."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from analysis.money.mrr import MRR
from analysis.parameters import Parameters
from analysis.running import behind, run
from tests.analysed import archived, at, happened

MOVES = ("new", "back", "more", "less", "gone")


def said(customer: str, what: str, when: str, mrr: int | None = None, ends: str | None = None) -> dict[str, object]:
    return happened(customer, f"subscription_{what}", when, subject=f"s-{customer}", mrr=mrr,
                    ends=at(ends) if ends else None)  # fmt: skip


def test_each_kind_of_movement() -> None:
    events = [
        said("new", "start", "02-10", 1000),
        said("more", "start", "01-05", 2000), said("more", "change", "02-20", 2500),
        said("less", "start", "01-05", 3000), said("less", "change", "02-20", 1000),
        said("gone", "start", "01-05", 4000), said("gone", "cancel", "02-03", ends="02-25"),
        said("back", "start", "01-01 09:00", 700), said("back", "cancel", "01-10"), said("back", "start", "02-11", 700),
        said("kept", "start", "01-05", 500), said("later", "start", "02-05", 900), said("later", "cancel", "02-06"),
    ]  # fmt: skip
    engine = archived(events, until="03-10")
    rows = {str(row["period"]): row for row in run(MRR, engine, Parameters()).rows}
    february = rows["2026-02-01"]
    assert [february[name] for name in ("opening", *MOVES, "closing")] == [
        9500, 1000, 700, 500, -2000, -4000, 2000 + 500 + 1000 + 700 + 500 + 1000,
    ]  # fmt: skip
    assert (february["grr"], february["nrr"]) == (pytest.approx(3500 / 9500), pytest.approx(4000 / 9500))
    assert february["quick"] == pytest.approx(2200 / 6000)
    assert (february["payers"], february["left"], february["complete"]) == (4, 1, True)
    found = behind(MRR, engine, Parameters(), {"period": february["period"]}, "left")
    assert [row["customer"] for row in found.customers] == ["gone"]


def test_opening_and_movements_are_the_closing_and_the_next_opening() -> None:
    chance = random.Random(7)
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    events = []
    for number in range(60):
        day = chance.randrange(200)
        for what in ["start", *chance.choices(["change", "renew", "cancel", "start"], k=chance.randrange(5))]:
            when = begins + timedelta(days=day, hours=chance.randrange(24))
            day += chance.randrange(1, 60)
            events.append(
                happened(f"c{number}", f"subscription_{what}", when, subject=f"s{number}",
                         mrr=None if what == "cancel" else chance.randrange(1, 50) * 100,
                         ends=None if chance.random() < 0.5 else when + timedelta(days=30))
            )  # fmt: skip
    chance.shuffle(events)
    rows = run(MRR, archived(events, until="2026-12-20"), Parameters()).rows
    assert len(rows) > 6
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        assert row["opening"] + sum(row[name] for name in MOVES) == row["closing"]
        assert following is None or row["closing"] == following["opening"]
