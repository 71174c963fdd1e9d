"""What is counted of a day, and of now: the names of the counters, and how a change of one customer changes them.

What a customer adds to the counters is kept in their document (`Profile.counted`), so that the counters of a partition
are the sum over its documents, whatever rules made them: a commit adds what its documents add now and takes away what
they added before, and a rebuild sums them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

__all__ = [
    "COMPLAINTS",
    "CUSTOMERS",
    "EVENTS",
    "FIELDS",
    "KEPT",
    "NEW",
    "NOW",
    "OPEN_TICKETS",
    "ORDERS",
    "REFUNDS",
    "REVENUE",
    "RING",
    "SOLVED",
    "STAGES",
    "STAGE_FIELDS",
    "TICKETS",
    "Added",
    "answer_fields",
    "count_difference",
    "summed",
]  # fmt: skip

Added = dict[int, dict[int, int]]
"""What one customer adds: local day since 1970 (`NOW` for what is so now) → place in `FIELDS` → how much."""

KEPT = 4
"""Days of a customer that are counted, up to the latest on which something happened to them: today, and those that late
events may still change."""

RING = 8
"""Days of which a partition keeps counters: a day's take the place of those of so many days before."""

NOW = -1
"""Stands for the day of counters that are of no day."""

ANSWERS = ("csat", "ces", "review", "nps")
"""Roles of answers; of the NPS each customer's newest of the day counts."""

STAGES = ("prospect", "new", "active", "loyal", "at_risk", "churned", "won_back")

FIELDS = (
    "events", "customers", "new_customers", "orders", "revenue", "refunds", "tickets_opened", "tickets_solved",
    "complaints",
    *(f"{kind}_{part}" for kind in ANSWERS for part in ("answers", "marks", "good", "bad")),
    "open_tickets",
    *(f"stage_{stage}" for stage in STAGES),
)  # fmt: skip
"""Money is minor units of the plan's currency, marks are thousandths. Documents name fields by their place: append."""

EVENTS, CUSTOMERS, NEW, ORDERS, REVENUE, REFUNDS, TICKETS, SOLVED, COMPLAINTS = range(9)
OPEN_TICKETS = FIELDS.index("open_tickets")
_NOTHING: Added = {}
STAGE_FIELDS = {stage: FIELDS.index(f"stage_{stage}") for stage in STAGES}


def answer_fields(kind: str) -> int:
    """The place of the answers of a kind; their marks, the good and the bad follow."""
    return FIELDS.index(f"{kind}_answers")


def count_difference(into: defaultdict[tuple[int, int], int], before: Added | None, after: Added | None) -> None:
    """Note by how much counters change, by (day, place of the field), when a customer adds other than before."""
    for day, fields in (after or _NOTHING).items():
        held = before.get(day) if before is not None else None
        if held == fields:
            continue
        for field, number in fields.items():
            into[day, field] += number
        if held is not None:
            for field, number in held.items():
                into[day, field] -= number
    if before is not None:
        for day, fields in before.items():
            if after is None or day not in after:
                for field, number in fields.items():
                    into[day, field] -= number


def summed(added: Iterable[Added | None]) -> dict[tuple[int, int], int]:
    """What some customers add together."""
    found: defaultdict[tuple[int, int], int] = defaultdict(int)
    for one in added:
        count_difference(found, None, one)
    return found
