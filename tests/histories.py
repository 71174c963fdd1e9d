"""A seeded history of some hundred customers, for analyses to be compared with plain Python on the same events."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from analysis.declaration import Analysis, Customers
from analysis.engines.duck import Duck
from analysis.parameters import Parameters
from analysis.running import behind
from tests.analysed import archived, happened

__all__ = ["END", "ZONE", "History", "compare_lists", "engine_of", "history", "retold"]

ZONE = "Europe/Amsterdam"
BEGIN = datetime(2024, 9, 2, 6, tzinfo=UTC)
END = datetime(2026, 2, 10, 18, tzinfo=UTC)


@dataclass
class History:
    """Events as rows of the archive, and which homes are one customer."""

    rows: list[dict[str, Any]]
    links: dict[str, str] = field(default_factory=dict)

    def customer(self, row: Mapping[str, Any]) -> str:
        """Whose event it is."""
        return self.links.get(row["home"], row["home"])

    def of(self, *roles: str) -> list[tuple[str, date, dict[str, Any]]]:
        """Customer, local day and row of these roles, oldest first."""
        found = [row for row in sorted(self.rows, key=lambda row: row["time"]) if row["role"] in roles]
        return [(self.customer(row), row["time"].astimezone(ZoneInfo(ZONE)).date(), row) for row in found]


@cache
def history(customers: int = 200, seed: int = 7) -> History:
    """Visits, orders, refunds, tickets and complaints; one customer in ten has two homes; no two times are equal."""
    rng = random.Random(seed)
    made = History([])
    microseconds = count()
    days = (END - BEGIN).days

    def tell(home: str, role: str, when: datetime, **facts: Any) -> None:
        when = when.replace(microsecond=next(microseconds) % 1_000_000)
        if when < END:
            made.rows.append(happened(home, role, when, id=f"{role}-{next(microseconds)}", **facts))

    for number in range(customers):
        name = f"c{number:03}"
        homes = [name, f"{name}b"] if number % 10 == 0 else [name]
        if len(homes) == 2:
            made.links[homes[1]] = name
        begun = BEGIN + timedelta(days=rng.uniform(0, days * 0.9))
        ends = begun + timedelta(days=rng.choice((40, 150, 400, 900)))
        pace = rng.choice((9, 25, 70))
        when, orders = begun, 0
        while when < min(ends, END):
            home = rng.choice(homes)
            tell(home, "visit", when, device=rng.choice(("phone", "desktop")))
            if rng.random() < 0.4:
                orders += 1
                subject, amount = f"{name}-{orders}", rng.choice((900, 2500, 4999, 12000))
                tell(home, "purchase", when + timedelta(hours=rng.uniform(0, 30)), subject=subject, amount=amount)
                if rng.random() < 0.12:
                    back = amount if rng.random() < 0.5 else amount // 3
                    tell(home, "refund", when + timedelta(days=rng.uniform(2, 40)), subject=subject, amount=back)
            if rng.random() < 0.06:
                tell(home, "complaint", when + timedelta(days=1))
            when += timedelta(days=rng.expovariate(1 / pace) + (rng.random() < 0.04) * 230)
    return made


def engine_of(told: History) -> Duck:
    """An engine over it, that cuts days in `ZONE`."""
    return archived(told.rows, until=END, zone=ZONE, links=told.links)


def retold(told: History, seed: int = 1) -> History:
    """The same history: events in another order, each third one twice, in more homes that are merged."""
    rng = random.Random(seed)
    links = dict(told.links)
    rows = []
    for row in told.rows:
        home = row["home"]
        if rng.random() < 0.3:
            links[f"{home}-more"] = told.customer(row)
            home = f"{home}-more"
        rows += [row | {"home": home}] * (2 if rng.random() < 0.3 else 1)
    rng.shuffle(rows)
    return History(rows, links)


def compare_lists(
    analysis: Analysis[Any], engine: Duck, given: Parameters, rows: Sequence[Mapping[str, Any]], most: int = 6
) -> None:
    """The customers behind some of the numbers are as many as the number."""
    keys = [column.name for column in analysis.dimensions]
    figures = [(row, each.name) for row in rows for each in analysis.measures if isinstance(each, Customers)]
    figures = [(row, name) for row, name in figures if row.get(name) and all(row[key] is not None for key in keys)]
    assert figures
    for row, name in random.Random(3).sample(figures, min(most, len(figures))):
        found = behind(analysis, engine, given, {key: row[key] for key in keys}, name)
        assert found.total == row[name], (row, name)
