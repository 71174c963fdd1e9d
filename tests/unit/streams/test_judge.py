"""What the plan says of a record, without any store."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiokafka.structs import ConsumerRecord

from plan import Plan, load_plan, parse_plan
from streams.judge import Judge, Verdict
from tests import REPOSITORY
from tests.plans import BASE

SMALL = parse_plan(BASE, "plan.yaml", {})
OURS = load_plan(REPOSITORY / "tracking_plan.yaml", {})
NOW = 1_800_000_000.0
ORDER = {
    "type": "track", "event": "Order Completed", "userId": "ada",
    "properties": {"order_id": "1", "revenue": 5.0, "currency": "EUR"},
}  # fmt: skip


def verdict(value: Any, source: str = "purchase", plan: Plan = SMALL) -> Verdict:
    raw = value if isinstance(value, bytes) else orjson.dumps(value)
    record = ConsumerRecord("events.purchase", 0, 7, int(NOW * 1000), 0, None, raw, None, 0, len(raw), ())
    return asyncio.run(Judge(plan, NOW).verdict(source, record))


def test_what_passes_has_its_name_and_its_key() -> None:
    assert verdict(ORDER) == Verdict("Order Completed", key=b"ada")


def test_what_the_plan_remarks_on_is_flagged() -> None:
    """Also what only the last step of ingest notices: traits that nobody but us may write."""
    assert verdict({"type": "identify", "userId": "ada", "traits": {"consent.analytics": True}}, "web", OURS).flagged


def test_what_does_not_pass_says_why_and_is_named_as_far_as_it_can_be() -> None:
    assert verdict(b"no json")[:2] == ("", "invalid_json")
    assert verdict({**ORDER, "event": "Nobody Planned This"})[:2] == ("Nobody Planned This", "unplanned")
    assert verdict({**ORDER, "userId": "null"})[:2] == ("Order Completed", "no_identity")
