"""Profiles by day: what is kept of a customer, or a company, at the end of a day on which they changed."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pyarrow as pa

from analysis.archive.columns import VERSION
from models.cases.worth import net_within
from models.customer.dealings import dealings_of
from models.customer.worth import value_of
from plan import Plan
from profiles.companies.affiliation import only_company, spans_of
from profiles.types import Profile

__all__ = ["PROFILES", "profile_row"]

_TIME = pa.timestamp("us", "UTC")

PROFILES = pa.schema(
    [
        ("customer", pa.string()),
        ("stage", pa.string()),
        ("risk", pa.float64()),
        ("segments", pa.list_(pa.string())),
        ("country", pa.string()),
        ("region", pa.string()),
        ("birth_year", pa.int32()),
        ("plan", pa.string()),
        ("company", pa.string()),
        ("first_purchase", _TIME),
        ("last_purchase", _TIME),
        ("orders", pa.int64()),
        ("net_12m", pa.int64()),
        ("margin_12m", pa.int64()),
        ("satisfaction", pa.float64()),
        ("health", pa.float64()),
        ("kind", pa.string()),
        ("day", pa.date32()),
        ("changed", _TIME),
        ("log_partition", pa.int32()),
        ("log_offset", pa.int64()),
    ],
    metadata={"rapport.table": "profiles", "rapport.version": str(VERSION)},
)
"""One row per customer and day. docs/archive.md says what each column means."""

_YEAR = 365 * 86400.0
_BORN = re.compile(r"(1[89]\d\d|20\d\d)(?!\d)")
_SCALES = {"csat": (1.0, 5.0), "nps": (0.0, 10.0), "ces": (1.0, 7.0)}  # the least and the most that a mark may be


def profile_row(profile: Profile, day: date, changed: float, place: tuple[int, int], plan: Plan) -> tuple[Any, ...]:
    """A row of PROFILES.

    Args:
        profile: as it was at the end of the day.
        day: local.
        changed: when it changed last on that day, seconds.
        place: partition and offset in `profile.changes`.
        plan: whose currency and traits it is in.
    """
    bought = profile.purchases
    company = profile.company
    return (
        profile.id,
        profile.stage or None,
        None if profile.score is None else profile.score.risk,
        sorted(profile.segments),
        _trait(profile, "country"),
        _trait(profile, "region"),
        _birth_year(profile),
        _trait(profile, "plan"),
        _company(profile, changed) if company is None else company.key,
        _micros(bought.first) if bought.orders else None,
        _micros(bought.last) if bought.orders else None,
        bought.orders,
        net_within(profile, changed, _YEAR, plan.currency),
        _margin(profile, changed, plan),
        _satisfaction(profile),
        None if company is None or company.health is None else company.health.value,
        "customer" if company is None else "company",
        day,
        _micros(changed),
        *place,
    )


def _margin(profile: Profile, at: float, plan: Plan) -> int | None:
    """What the last 365 days brought less what its goods have cost, as far as the plan says; None where it does not."""
    costs = plan.file.analyses.costs
    if costs.margin is None and not costs.margins:
        return None
    year = value_of(profile, dealings_of(profile), at, plan.currency, costs).year
    return None if year is None else year.margin


def _trait(profile: Profile, name: str) -> str | None:
    value = profile.traits[name][0] if name in profile.traits else None
    return value.strip()[:200] or None if type(value) is str else None


def _birth_year(profile: Profile) -> int | None:
    for name in ("birthday", "birth_year", "birthYear", "date_of_birth"):
        if name in profile.traits and (found := _BORN.match(str(profile.traits[name][0]))):
            return int(found[1])
    return None


def _company(profile: Profile, at: float) -> str | None:
    """The only company that a customer belongs to."""
    if profile.affiliation is None:
        return None
    return only_company(spans_of(profile.affiliation.members), at) or None


def _satisfaction(profile: Profile) -> float | None:
    """0 to 100: the mean of the latest answer to each kind of survey."""
    marks = []
    for role, (least, most) in _SCALES.items():
        opinion = profile.opinions.get(role)
        if opinion is not None and opinion.count:
            marks.append(min(max((opinion.last - least) / (most - least), 0.0), 1.0) * 100)
    return sum(marks) / len(marks) if marks else None


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)
