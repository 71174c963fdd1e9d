"""What is made once for many questions is what each of them would have made, for whomever it asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import ibis.expr.types as ir
import pytest

from analysis.base import Base
from analysis.parameters import Parameters
from analysis.relations.lines import lines
from analysis.relations.orders import orders
from analysis.relations.refunds import refunds
from tests.analysed import archived, happened

ITEMS = [{"product": "p1", "category": "p", "quantity": 1.0, "price": 900}]
ROWS = [
    happened("a", "visit", "02-01", traits='{"country": "NL"}'),
    happened("a", "purchase", "02-02", amount=1000, subject="1", items=ITEMS),
    happened("a2", "purchase", "02-03", amount=1100, subject="1", items=ITEMS),  # told again, by another home
    happened("a2", "refund", "02-09", amount=300, subject="1"),
    happened("b", "purchase", "02-02", amount=700, subject="2", traits='{"country": "BE"}'),
    happened("c", "contact_made", "02-01"),
]


@pytest.mark.parametrize(("name", "made"), [("orders", orders), ("refunds", refunds), ("lines", lines)])
@pytest.mark.parametrize("country", ["", "NL", "BE", "FR"])
def test_it_is_as_made_anew(name: str, made: Callable[[Base], ir.Table], country: str) -> None:
    engine = archived(ROWS, until="03-01", links={"a2": "a"})
    base = Base(engine, Parameters(country=country))
    kept = getattr(base, name)
    assert "all_" in engine.sql(kept)
    found, expected = (
        sorted(engine.fetch(table.select(sorted(table.columns))).to_pylist(), key=repr) for table in (kept, made(base))
    )
    assert found == expected
    assert bool(found) == (country != "FR" and (name, country) != ("refunds", "BE"))


def test_when_somebody_was_first_seen() -> None:
    """By what they do themselves, from any home."""
    rows = archived(ROWS, until="03-01", links={"a2": "a"})
    people = rows.fetch(Base(rows, Parameters()).people.select("customer", "seen")).to_pylist()
    assert {each["customer"]: each["seen"] for each in people} == {
        "a": date(2026, 2, 1), "b": date(2026, 2, 2), "c": None,
    }  # fmt: skip
