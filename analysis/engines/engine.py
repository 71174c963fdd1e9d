"""What an engine is: it holds the base relations `facts` and `people` of an archive, and answers expressions over them.

Expressions are made of unbound tables, so the same one goes to every engine; Ibis only writes it in the engine's SQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from analysis.framing import Frame

__all__ = ["CATALOGUE", "FACTS", "PEOPLE", "PEOPLE_BY_DAY", "READINGS", "SPELLS", "TABLES", "Engine", "typed"]

FACTS = {
    "customer": "string", "home": "string", "id": "string", "source": "string", "type": "string", "name": "string",
    "role": "string", "us": "int64", "received_us": "int64", "day": "date", "hour": "int32", "amount": "int64",
    "currency": "string", "quantity": "float64", "subject": "string", "rating": "float64", "category": "string",
    "refund": "string",
    "items": "array<struct<product: string, category: string, quantity: float64, price: int64, cost: int64>>",
    "product": "string", "feature": "string", "topic": "string", "reason": "string", "cost": "int64",
    "discount": "int64", "shipping": "int64", "channel": "string", "device": "string", "os": "string",
    "browser": "string", "locale": "string", "utm_source": "string", "utm_medium": "string", "utm_campaign": "string",
    "referrer": "string", "department": "string", "agent": "string", "resolution": "string", "results": "int32",
    "in_stock": "boolean", "text": "string", "language": "string", "company": "string", "plan": "string",
    "seats": "int32", "mrr": "int64", "interval": "string", "starts": "timestamp('UTC', 6)",
    "ends": "timestamp('UTC', 6)", "violations": "array<string>", "log_partition": "int32", "log_offset": "int64",
}  # fmt: skip
"""The base relation `facts`: one row an event, of those who may be counted. Merges are resolved (`customer`); repeats
and customers who object are out. `us` is microseconds since 1970, `day` and `hour` are local. Money is whole minor
units of the plan's currency, and null where there is no rate (`currency` says which)."""

PEOPLE = {
    "customer": "string", "country": "string", "region": "string", "plan": "string", "company": "string",
    "stage": "string", "risk": "float64", "segments": "array<string>", "birth_year": "int32", "outreach": "boolean",
    "held_out": "boolean", "internal": "boolean", "seen": "date",
}  # fmt: skip
"""The base relation `people`: one row a customer; null is not known. Stage, risk, segments and company are those of the
latest day that is over, as the archive's profiles have them. `outreach` is whether somebody of ours may contact them;
`held_out` whether they are of the share that is left alone (`models.labels.treatment`); `internal` are the house's own
people. `seen` is the first local day on which they did something themselves, null if they never did."""

SPELLS = {
    "customer": "string", "day": "date", "until": "date", "stage": "string", "risk": "float64",
    "segments": "array<string>", "orders": "int64", "net_12m": "int64", "satisfaction": "float64",
}  # fmt: skip
"""The base relation `spells`: how customers were at the end of each local day from `day` on, and before `until` (null:
till now), as the archive's profiles by day have it. Without those who may not be counted."""

PEOPLE_BY_DAY = {
    name: PEOPLE[name] for name in ("customer", "country", "region", "plan", "company", "stage", "segments")
} | {"since": "date", "until": "date"}  # fmt: skip
"""The base relation `people_by_day`: as customers were at the end of each local day from `since` to the one before
`until`, null for those who still are. Of days before anything is known of them it has what is known first."""

CATALOGUE = {
    "product": "string", "category": "string", "price": "int64", "cost": "int64", "launched": "date",
    "tags": "array<string>", "cycle_days": "float64", "tier": "int64",
}  # fmt: skip
"""The base relation `catalogue`: one row a product of the plan's catalogue; null is not known. Money is whole minor
units of the plan's currency."""

READINGS = {
    "home": "string", "us": "int64", "log_partition": "int32", "log_offset": "int64", "language": "string",
    "tone": "string", "told_by": "string", "chance": "float64", "guess": "string", "satisfied": "boolean",
    "topics": "array<string>",
}  # fmt: skip
"""The relation `readings`: one row a text that a customer wrote, by its event, without the text. `tone` is negative,
middle, positive, or "" where nobody can tell, `told_by` a rating or the model. `chance` is that of being satisfied and
`guess` what the model said, both before it learned from the rating, which says `satisfied`. It is made when it is first
asked for (`read_texts`)."""

TABLES = {
    "facts": FACTS, "people": PEOPLE, "spells": SPELLS, "people_by_day": PEOPLE_BY_DAY, "catalogue": CATALOGUE,
    "readings": READINGS,
}  # fmt: skip

_OF_HOMES = ", ".join(f"f.{name}" for name in FACTS if name != "customer")

FACTS_VIEW = f"""
SELECT coalesce(w.customer, f.home) AS customer, {_OF_HOMES}
FROM made_facts f LEFT JOIN whose w ON f.home = w.home WHERE coalesce(w.agrees, {{granted}})
"""
"""`facts` of the tables that are made, in SQL that every engine has: whose each home is, and who may be counted, is
joined when it is asked for, so that a merge changes no table."""


class Engine(Protocol):
    """Where analyses are computed."""

    name: str
    frame: Frame

    def fetch(self, expression: ir.Table, sql: str = "") -> pa.Table:
        """The rows of an expression; `sql` is what it has been compiled to, if it has been."""

    def sql(self, expression: ir.Table) -> str:
        """The expression in the engine's language."""


def typed(found: pa.Table, expression: ir.Table) -> pa.Table:
    """Rows in the types of their expression, whatever an engine makes of them; whole numbers that it sums as decimals,
    so that they cannot overflow, come back as whole numbers."""
    names = {name.lower(): name for name in found.column_names}
    columns = {}
    for name, type_ in expression.schema().items():
        whole = type_.is_decimal() and not type_.scale
        columns[name] = found[names[name.lower()]].cast(
            pa.int64() if whole or type_.is_integer() else type_.to_pyarrow()
        )
    return pa.table(columns)
