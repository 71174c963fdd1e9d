"""What one event may leave behind: nothing that grows beyond what Kafka, Redis and a reader of profiles can take."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord

from plan import load_plan
from profiles.errors import Unacceptable
from streams.collector.body import Limits
from streams.collector.wire import Envelope, stamp
from streams.steps.check import check
from streams.steps.decode import decode
from streams.steps.intake import Intake
from tests import REPOSITORY

NOW = 1_800_000_000.0
PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})
ORDER = {"type": "track", "event": "Order Completed", "userId": "u"}
IDENTIFY = {"type": "identify", "userId": "u"}


def taken(event: dict[str, Any], source: str = "purchase", milliseconds: int = int(NOW * 1000)) -> Intake:
    """An event after the steps that need no store."""
    value = json.dumps(event).encode()
    record = ConsumerRecord("events", 0, 0, milliseconds, 0, b"k", value, None, 1, len(value), ())
    intake = Intake(source, [record], NOW)
    for step in (decode(), check(PLAN)):
        step(intake)
    return intake


@pytest.mark.parametrize("item", [1, {}, "x", []])
def test_a_rule_broken_ten_thousand_times_is_told_of_in_a_few_sentences(item: object) -> None:
    """A rejection of megabytes would be refused by Kafka, and its worker could never get past it."""
    (rejection,) = taken({**ORDER, "properties": {"products": [item] * 10_000}}).rejected

    assert rejection.reason == "plan_violation"
    assert len(rejection.message) < 10_000
    assert rejection.message.endswith(("more", "has many items that are not as planned")) or item == {}


def test_so_is_a_flagged_event() -> None:
    """Its violations travel with it."""
    event = {
        "type": "track",
        "event": "Product Viewed",
        "userId": "u",
        "properties": {"product_id": 1, "tags": [1] * 10},
    }
    (item,) = taken(event, "web").items

    assert len(item.violations) <= 21


def test_a_large_trait_is_left_out_and_told_of() -> None:
    """The others stay: one trait must not cost us the identity."""
    traits = {
        "firstName": "Ada",
        "bio": "x" * 9_000,
        "n" * 300: 1,
        "list": [1] * 5_000,
        "fits": "x" * 8_000,
        "ü": "ü" * 4_090,
    }
    (item,) = taken({**IDENTIFY, "traits": traits}, "web").items

    assert item.properties.keys() == {"firstName", "fits", "ü"}
    assert [violation.split(":")[0] for violation in item.violations] == [
        "traits.bio",
        "traits." + "n" * 200,
        "traits.list",
    ]
    assert all(len(violation) < 400 for violation in item.violations)


@pytest.mark.parametrize("event", [{"event": "x" * 501}, {"type": "page", "name": "x" * 30_000}])
def test_a_name_that_is_none_is_rejected(event: dict[str, Any]) -> None:
    """Timelines show names."""
    (rejection,) = taken({**ORDER, **event}, "web").rejected

    assert rejection.reason == "name_too_long"


def test_a_flood_of_external_ids_is_rejected() -> None:
    """By ingest and by the collector: 1,000 of them took a tenth of a second, for every event of a batch."""
    flood = [{"type": "loyalty_number", "id": str(number)} for number in range(101)]
    (rejection,) = taken({**ORDER, "context": {"externalIds": flood}}).rejected
    assert rejection.reason == "too_many_identities"

    def collected(count: int) -> tuple[bytes, bytes]:
        raw, shared = json.dumps(ORDER).encode(), {"externalIds": flood[:count]}
        return stamp(raw, Envelope([raw], context=shared), received=NOW, identities=PLAN.extract, limits=Limits())

    assert collected(100)
    with pytest.raises(Unacceptable) as caught:
        collected(101)
    assert caught.value.reason == "too_many_identities"


def test_a_subject_that_is_no_id_counts_as_absent() -> None:
    """Profiles keep the latest subjects."""
    rule = PLAN.event("support", "track", "Ticket Opened")
    assert rule is not None

    assert rule.facts({"ticket_id": "t" * 500}).subject == "t" * 500
    assert rule.facts({"ticket_id": "t" * 501}).subject == ""


@pytest.mark.parametrize("milliseconds", [-1, -(2**62), 2**62])
def test_a_record_without_a_sensible_time_is_of_now(milliseconds: int) -> None:
    """Producers may write any timestamp beside their record."""
    (item,) = taken({"type": "page", "userId": "u"}, "web", milliseconds).items

    assert (item.time, item.received) == (NOW, NOW)
