"""The workload keeps its name only while it stays the same, and the plan accepts all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import orjson
import pytest
from aiokafka.structs import ConsumerRecord

from benchmarks.workload import RawEvent, name_of, shop
from plan import load_plan
from streams.steps.check import check
from streams.steps.decode import decode
from streams.steps.intake import Intake
from tests import REPOSITORY

END = 1_790_000_000.0
PLAN = REPOSITORY / "tracking_plan.yaml"
DIGEST = "dd078877abce2df5bd606e5528cb766c0726bb965a7ec7a4f5abea9186e6bd74"


@pytest.fixture(scope="module")
def events() -> list[RawEvent]:
    return shop(2_000, END)


def test_the_same_name_is_the_same_workload(events: Sequence[RawEvent]) -> None:
    whole = b"\n".join(b"%s %s %s" % (event.source.encode(), event.key, event.value) for event in events)
    assert (name_of(len(events)), hashlib.sha256(whole).hexdigest()) == ("shop-2k", DIGEST)


def test_another_end_moves_only_the_dates(events: Sequence[RawEvent]) -> None:
    later = shop(2_000, END + 86_400)
    assert [event.at + 86_400 for event in events] == pytest.approx([event.at for event in later])
    assert [orjson.loads(event.value)["messageId"] for event in events] == [
        orjson.loads(event.value)["messageId"] for event in later
    ]


def test_message_ids_differ_and_nothing_is_later_than_the_end(events: Sequence[RawEvent]) -> None:
    assert len({orjson.loads(event.value)["messageId"] for event in events}) == len(events)
    assert all(END - 26 * 7 * 86_400 <= event.at <= END for event in events)


def test_the_plan_accepts_every_event_as_it_is(events: Sequence[RawEvent]) -> None:
    plan = load_plan(PLAN)
    for source in plan.sources:
        own = [event for event in events if event.source == source]
        assert own
        records = [
            ConsumerRecord("t", 0, at, 0, 0, event.key, event.value, None, 0, 0, ()) for at, event in enumerate(own)
        ]
        batch = Intake(source, records, END)
        decode()(batch)
        check(plan)(batch)
        assert not batch.rejected
        assert not any(item.violations for item in batch.items)
