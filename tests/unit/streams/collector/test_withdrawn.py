"""Withdrawals in events that the collector rejects."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from plan import load_plan
from profiles.errors import Unacceptable
from streams.collector.body import Limits
from streams.collector.wire import Envelope, stamp
from streams.collector.withdrawn import withdrawal_in
from streams.records.withdrawal import WITHDRAWAL
from streams.steps.consent import Listener
from tests import REPOSITORY

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})
LISTENER = Listener(PLAN)
LIMITS = Limits()
RECEIVED = 1_800_000_000.0  # 2027-01-15T08:00:00Z
NO = {"consent": {"categoryPreferences": {"personalisation": False}}}


def kept(raw: bytes, **envelope: Any) -> dict[str, Any] | None:
    """What goes on of an event that the collector rejects."""
    made = Envelope([raw], **envelope)
    with pytest.raises(Unacceptable):
        stamp(raw, made, received=RECEIVED, identities=PLAN.extract, limits=LIMITS)
    found = withdrawal_in(raw, made, "web", received=RECEIVED, plan=PLAN, listener=LISTENER, limits=LIMITS)
    if found is None:
        return None
    assert found[0] == b"u"
    event: dict[str, Any] = orjson.loads(found[1])
    return event


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "dance"}, {"type": None}, {"messageId": "m" * 101}, {"messageId": {}}, {"properties": [1]},
        {"integrations": "x"}, {"event": "e" * 501}, {"anonymousId": True}, {"traits": 5},
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_event_costs_no_withdrawal(wrong: dict[str, Any]) -> None:
    """It goes on under a type of ours, with its time; what is wrong is left out."""
    event = {"type": "track", "event": "X", "userId": "u", "timestamp": "2027-01-15T07:00:00Z", "context": NO}

    found = kept(orjson.dumps(event | wrong))

    assert found is not None
    assert {
        "type": WITHDRAWAL,
        "userId": "u",
        "context": NO,
        "timestamp": "2027-01-15T07:00:00Z",
    }.items() <= found.items()


def test_what_the_batch_says_counts_as_in_any_event() -> None:
    assert kept(b'{"type":"dance","userId":"u"}', context=NO) is not None
    assert kept(b'{"type":"dance","userId":"u"}', context={"locale": "nl"}) is None


def test_a_trait_of_an_identify_call_and_an_event_of_consent_are_heard() -> None:
    identify = {"userId": "u", "messageId": {}, "traits": {"profiling_consent": "no"}}
    found = kept(orjson.dumps(identify), type="identify")
    assert found is not None
    assert found["of"] == "identify"
    said = {"type": "track", "event": "Consent Updated", "properties": {"purpose": "outreach", "granted": False}}
    assert kept(orjson.dumps({**said, "userId": "u", "messageId": []})) is not None
    assert kept(orjson.dumps({**said, "userId": "u", "messageId": [], "event": "Something Else"})) is None


@pytest.mark.parametrize(
    "raw",
    [
        b'{"type":"dance","userId":"u","context":{"consent":{"categoryPreferences":{"personalisation":true}}}}',
        b'{"type":"dance","context":{"consent":{"categoryPreferences":{"personalisation":false}}}}',
        b'{"type":"dance","userId":"u","context":{"consent":{"categoryPreferences":{"personalisation":false}}',
        b'["consent"]',
        b'{"type":"page","userId":"u","consent":"' + b"x" * 40_000 + b'"}',
        b'{"type":"page","userId":"u","consent":' + b"[" * 40 + b"]" * 40 + b"}",
    ],
)
def test_anything_else_is_rejected_and_no_more(raw: bytes) -> None:
    assert kept(raw) is None
