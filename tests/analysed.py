"""Archives of a few events for tests of analyses: rows by hand, in DuckDB, as the archive's files have them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from analysis.archive.columns import EVENTS, LINKS
from analysis.archive.profile_rows import PROFILES
from analysis.archive.reader import profile_views, views
from analysis.engines.duck import Duck
from plan import Plan, parse_plan
from tests.plans import BASE

__all__ = ["archived", "at", "happened", "whole"]


def at(text: str, year: int = 2026) -> datetime:
    """A time in UTC from `01-31 23:30`, `02-14` (noon) or `2026-02-14 08:00:00`."""
    if re.fullmatch(r"\d\d-\d\d.*", text):
        text = f"{year}-{text}"
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        text += " 12:00"
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def happened(customer: str, role: str, when: str | datetime, **facts: Any) -> dict[str, Any]:
    """A row of the archive; `facts` are its columns. Received when it happened, unless `received` says otherwise."""
    time = at(when) if isinstance(when, str) else when
    return {"home": customer, "role": role, "time": time, "received": time, **facts}


def whole(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with every column that an event has, each an event of its own."""
    return [
        {
            "id": f"event-{number}", "source": "purchase", "type": "track", "name": row["role"], "traits": "{}",
            "properties": "{}", "context": "{}", "currency": "EUR", "quantity": 1.0, "subject": "", "amount": None,
            "violations": [], "identities": [], "log_partition": 0, "log_offset": number, "origin_topic": "t",
            "origin_partition": 0, "origin_offset": number, **row,
        }
        for number, row in enumerate(rows)
    ]  # fmt: skip


def archived(
    rows: Sequence[Mapping[str, Any]],
    *,
    until: str | datetime,
    plan: Plan | None = None,
    zone: str | None = None,
    links: Mapping[str, str] = {},
    profiles: Sequence[Mapping[str, Any]] = (),
) -> Duck:
    """An engine over these rows.

    Args:
        rows: `happened`.
        until: the watermark: an event without a meaning is received then.
        plan: of the currency, consent and so on; a small one unless given.
        zone: in which periods are cut, if not the plan's.
        links: home → customer, of those that were merged.
        profiles: rows of profiles by day, of customers; `day` is a date.
    """
    end = at(until) if isinstance(until, str) else until
    full = whole([*rows, {"home": "nobody", "role": "", "time": end, "received": end}])
    con = duckdb.connect()
    con.register("given_events", pa.Table.from_pylist(full, schema=EVENTS))
    linked = [
        {"kind": "merge", "home": home, "profile": profile, "time": end - timedelta(seconds=1), "split": "",
         "origin_offset": number, "log_offset": number}
        for number, (home, profile) in enumerate(links.items())
    ]  # fmt: skip
    con.register("given_links", pa.Table.from_pylist(linked, schema=LINKS))
    con.execute("CREATE TEMP VIEW events AS SELECT * FROM given_events")
    con.execute("CREATE TEMP VIEW links AS SELECT * FROM given_links")
    views(con)
    days = [{"kind": "customer", "changed": end, "log_partition": 0, "log_offset": number, **row}
            for number, row in enumerate(profiles)]  # fmt: skip
    con.register("profile_rows", pa.Table.from_pylist(days, schema=PROFILES))
    profile_views(con)
    return Duck.over(con, plan or parse_plan(BASE, "small.yaml", {}), zone)
