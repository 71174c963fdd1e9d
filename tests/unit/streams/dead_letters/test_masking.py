"""Personal data is masked wherever a rejected event or a text about it is shown, whatever is wrong with the event."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from plan import load_plan
from profiles.errors import Unacceptable
from streams.dead_letters.masking import Masker, mask
from streams.scrub import HIDDEN, Scrubbing, scrub
from streams.steps.check import check
from streams.steps.decode import decode
from streams.steps.intake import Intake
from tests import REPOSITORY

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")
MASKER = Masker(PLAN)

PERSONAL = {
    "email": "ada.lovelace@example.com",
    "phone": "+44 20 7946 0123",
    "name": "Ada Lovelace",
    "address": "12 St James's Square",
    "ip": "203.0.113.77",
    "id": "customer-4711-0815",
    "free_text": "I am Ada, call my sister",
}

ORDER = {"type": "track", "event": "Order Completed", "userId": PERSONAL["id"], "messageId": "m-" + PERSONAL["id"]}

BROKEN: list[tuple[str, Any]] = [
    ("invalid JSON", '{"type": "track", "traits": {"firstName": "Ada Lovelace", "email": ada.lovelace@example.com'),
    ("no JSON at all", "Ada Lovelace <ada.lovelace@example.com> +44 20 7946 0123 203.0.113.77 customer-4711-0815"),
    ("a JSON text", json.dumps("Ada Lovelace")),
    ("a list", list(PERSONAL.values())),
    ("the type", {**ORDER, "type": "Ada Lovelace"}),
    ("the timestamp", {**ORDER, "timestamp": "Ada Lovelace"}),
    ("the messageId", {**ORDER, "messageId": {"of": "Ada Lovelace"}}),
    (
        "wrong types",
        {
            **ORDER,
            "properties": {"order_id": PERSONAL, "revenue": "Ada Lovelace", "currency": "ada.lovelace@example.com"},
        },
    ),
    (
        "wrong places",
        {**ORDER, "properties": {"order_id": "1", "revenue": "x", "coupon": "ada.lovelace@example.com", **PERSONAL}},
    ),
    ("not planned", {**ORDER, "event": "Order of ada.lovelace@example.com", "properties": PERSONAL}),
    ("properties that are text", {**ORDER, "properties": "Ada Lovelace"}),
    (
        "traits",
        {
            "type": "identify",
            "userId": PERSONAL["id"],
            "traits": {
                "firstName": {"is": "Ada Lovelace"},
                "age": "Ada Lovelace",
                "email": "Ada Lovelace",
                "address": PERSONAL,
                "phone": 442079460123,
            },
        },
    ),
    (
        "traits in the context",
        {**ORDER, "context": {"ip": PERSONAL["ip"], "traits": PERSONAL, "page": {"url": "https://x/?n=Ada Lovelace"}}},
    ),
    (
        "identities",
        {
            **ORDER,
            "anonymousId": PERSONAL["email"],
            "previousId": PERSONAL["phone"],
            "context": {"externalIds": [{"type": "email", "id": PERSONAL["email"]}]},
        },
    ),
    ("keys", {**ORDER, "properties": {"ada.lovelace@example.com": 1, "+44 20 7946 0123": {"203.0.113.77": 2}}}),
]


def leaks(text: str) -> list[str]:
    """What of the personal data stands in a text."""
    digits = "".join(character for character in text if character.isdigit())
    found = [value for value in [*PERSONAL.values(), "Ada", "Lovelace"] if value in text]
    return found + (["phone digits"] if "442079460123" in digits else [])


@pytest.mark.parametrize(("what", "event"), BROKEN, ids=[what for what, _ in BROKEN])
def test_no_personal_value_is_shown(what: str, event: Any) -> None:
    """Neither in the masked event, nor in the reason why it was rejected."""
    payload = (event if isinstance(event, str) else json.dumps(event)).encode()
    shown = json.dumps(MASKER.event("purchase", payload), ensure_ascii=False)
    record = ConsumerRecord("events.purchase", 0, 1, 1_790_000_000_000, 0, None, payload, None, 0, 0, ())
    batch = Intake("purchase", [record], 1_790_000_000.0)
    decode()(batch)
    check(PLAN)(batch)

    assert leaks(shown) == []
    assert [leaks(rejection.message) for rejection in batch.rejected] == [[]] * len(batch.rejected)


def test_what_is_needed_to_mend_an_event_is_shown() -> None:
    """Names, structure, and values that the plan knows not to be personal."""
    event = {
        **ORDER,
        "timestamp": "2026-01-31T09:30:00Z",
        "properties": {"order_id": "o-1", "revenue": "much", "currency": "EUR", "quantity": 2, "gift": "for mum"},
    }
    shown = MASKER.event("purchase", json.dumps(event).encode())

    assert shown == {
        "type": "track",
        "event": "Order Completed",
        "userId": "•••15",
        "messageId": "•••15",
        "timestamp": "2026-01-31T09:30:00Z",
        "properties": {
            "order_id": "o-1", "revenue": "••• (4 characters)", "currency": "EUR", "quantity": 2,
            "gift": "••• (7 characters)",
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "pii", "shown"),
    [
        ("ada@example.com", "email", "•••@example.com"),
        ("Ada", "email", HIDDEN),
        ("+44 20 7946 0123", "phone", "•••23"),
        ("Ada Lovelace", "name", HIDDEN),
        ({"street": "Main 1", "no": 7}, "address", {"street": HIDDEN, "no": HIDDEN}),
        ("203.0.113.7", "ip", HIDDEN),
        ("42", "id", HIDDEN),
        ("call me", "free_text", "••• (7 characters)"),
        (None, "name", None),
    ],
)
def test_each_class_has_its_mask(value: Any, pii: str, shown: Any) -> None:
    """What helps to find an event stays, what tells whose it is goes."""
    assert mask(value, pii) == shown


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("'ada@x' is not a 'email'", "'•••@x' is not a 'email'"),
        ("from ada%40example.com", "from •••@example.com"),
        ("of +49 (0)170 123-4567.", "of •••."),
        ("0170 1234567 or (555) 123-4567", "••• or •••"),
        ("user_id:0170123456", "user_id:•••"),
        ("by 203.0.113.7 and 2001:db8::7", "by ••• and •••"),
        ("Kafka at 10.0.0.5:9092, redis://127.0.0.1/0", "Kafka at 10.0.0.5:9092, redis://127.0.0.1/0"),
        ("2026-01-31 09:30:00,123 at offset 1234567890", "2026-01-31 09:30:00,123 at offset 1234567890"),
        ("TP(topic='events.web', partition=3) 00000000-0000-0000-0000-000000000000", None),
    ],
)
def test_free_text_is_scrubbed_and_what_operators_need_stays(text: str, scrubbed: str | None) -> None:
    """Addresses of servers, times and offsets are nobody's."""
    assert scrub(text) == (text if scrubbed is None else scrubbed)


@given(st.text())
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    """And never fails."""
    assert scrub(scrub(text)) == scrub(text)


NAMES = ["type", "event", "userId", "properties", "traits", "context", "timestamp", "email", "x"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)


@given(ANYTHING)
def test_any_json_can_be_masked(value: Any) -> None:
    """Whatever was sent, it can be looked at."""
    MASKER.event("web", json.dumps(value).encode())


@given(st.binary(max_size=200))
def test_any_bytes_can_be_masked(payload: bytes) -> None:
    """The same for what is no JSON."""
    MASKER.event("web", payload)


def test_a_log_line_is_scrubbed_with_its_stack_trace() -> None:
    """A library's error may quote what was sent."""
    formatter = Scrubbing("%(message)s")
    try:
        raise Unacceptable("x", "'ada@example.com' is wrong")  # noqa: TRY301
    except Unacceptable:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "for %s", ("bob@example.com",), sys.exc_info())

    line = formatter.format(record)
    assert "ada@" not in line
    assert "bob@" not in line
    assert "•••@example.com" in line
