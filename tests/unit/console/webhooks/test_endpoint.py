"""Requests of other services: which of them are believed, what they mean to the plan, and what becomes of the rest."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka.structs import ConsumerRecord
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from console.webhooks.endpoint import mappings_of, webhook_route
from console.webhooks.mapped import ready_webhooks
from console.webhooks.senders import SENDERS
from plan.errors import PlanError
from plan.load import parse_plan, webhook_variable
from profiles.errors import Misconfigured
from streams.collector.app import Collector
from streams.collector.ratelimit import RateLimit
from streams.judge import Judge
from streams.kafka.client import Unavailable
from streams.kafka.output import Row
from streams.metrics import CollectorMetrics
from tests import REPOSITORY
from tests.unit.console.webhooks.requests_of import NOW, OWN_MAPPING, SECRETS, SENT, SIGN, Sent

ENVIRON = {webhook_variable(name): f"old-one, {secret}" for name, secret in SECRETS.items() if name != "generic"}
ENVIRON[webhook_variable("generic")] = SECRETS["generic"]
_SOURCES = {"shopify": "purchase", "stripe": "purchase", "woocommerce": "purchase"}


def text(webhooks: str = "") -> str:
    names = "".join(f"  {name}: {{service: {name}, source: {_SOURCES.get(name, 'support')}}}\n" for name in SENDERS)
    names = names.replace("{service: generic,", "{service: generic, mapping: own.yaml,")
    return (REPOSITORY / "tracking_plan.yaml").read_text() + f"\nwebhooks:\n{webhooks or names}"


class Kept:
    """Takes the place of Kafka, which confirms all, or nothing."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.down = False

    async def produce(self, rows: Iterable[Row]) -> None:
        if self.down:
            raise Unavailable("Kafka does not answer")
        self.rows += rows


class Receiving:
    """The path of webhooks, with the shipped plan and a webhook of each service."""

    def __init__(self, folder: Path) -> None:
        (folder / "own.yaml").write_text(OWN_MAPPING)
        self.plan = parse_plan(text(), "plan.yaml", ENVIRON)
        self.kept = Kept()
        collector = Collector(
            self.plan, self.kept, CollectorMetrics(CollectorRegistry()), rate_limit=10, clock=lambda: self.now  # type: ignore[arg-type]
        )  # fmt: skip
        self.collector = collector
        self.now = NOW
        self._app = Starlette(routes=[webhook_route(collector, mappings_of(self.plan, folder))])

    def post(self, name: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and document of the answer."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                return await client.post(f"/v1/webhook/{name}", content=body, headers=headers)

        response = asyncio.run(ask())
        return response.status_code, response.json()

    def send(self, sent: Sent, **headers: str) -> tuple[int, dict[str, Any]]:
        return self.post(sent.service, sent.raw, sent.headers() | headers)

    def taken(self) -> list[dict[str, Any]]:
        """The records that went to Kafka since that was asked last."""
        rows, self.kept.rows = self.kept.rows, []
        return [{**json.loads(row.value or b""), "topic": row.topic} for row in rows]


@pytest.fixture
def receiving(tmp_path: Path) -> Receiving:
    return Receiving(tmp_path)


def at(event: dict[str, Any], path: str) -> Any:
    value: Any = event
    for name in path.split("."):
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


@pytest.mark.parametrize("sent", SENT, ids=[f"{number}-{one.service}-{one.kind}" for number, one in enumerate(SENT)])
def test_a_request_becomes_events_that_the_plan_accepts(sent: Sent, receiving: Receiving) -> None:
    if sent.service == "generic":
        status, answer = receiving.post(sent.service, sent.raw, sent.headers(time.time()))
    else:
        status, answer = receiving.send(sent)
    assert (status, answer) == (200, {"success": True, "events": len(sent.events)})
    rows = receiving.kept.rows
    events = receiving.taken()
    assert [event.get("event", "") for event in events] == [name for name, _ in sent.events]
    for event, (_, expected) in zip(events, sent.events, strict=True):
        assert {path: at(event, path) for path in expected} == expected
        assert event["topic"] == f"events.{sent.source}"
    verdicts = [_verdict(receiving, sent.source, row) for row in rows]
    assert [(verdict.reason, verdict.message) for verdict in verdicts] == [("", "")] * len(events)
    assert not any(verdict.flagged for verdict in verdicts)


def _verdict(receiving: Receiving, source: str, row: Row) -> Any:
    record = ConsumerRecord(row.topic, 0, 0, int(NOW * 1000), 0, row.key, row.value, None, 0, 0, ())
    return asyncio.run(Judge(receiving.plan, NOW).verdict(source, record))


def test_a_service_that_sends_too_much_waits_and_nobody_else_uses_up_what_it_may(receiving: Receiving) -> None:
    sent = next(one for one in SENT if one.service == "stripe" and one.events)
    for _ in range(3):
        assert receiving.post("stripe", sent.raw, {"stripe-signature": "t=1,v1=00"})[0] == 401
    assert receiving.send(sent)[0] == 200
    most = receiving.collector.limits.events
    limiter = receiving.collector.limiter = RateLimit(1, most)  # so few a second that sending is faster on any machine

    async def fill() -> None:
        while not await limiter.wait("webhook/stripe", most // 10):
            pass

    asyncio.run(fill())
    for _ in range(most // 10):
        status, answer = receiving.send(sent)
        if status == 429:
            break
    assert (status, answer["code"]) == (429, "rate_limited")
    other = next(one for one in SENT if one.service == "shopify" and one.events)
    assert receiving.send(other)[0] == 200


ONE = {sent.service: sent for sent in reversed(SENT) if sent.events and sent.service != "generic"}


@pytest.mark.parametrize("name", sorted(ONE))
def test_what_is_tampered_with_or_signed_by_somebody_else_is_refused(name: str, receiving: Receiving) -> None:
    sent = ONE[name]
    tampered = sent.raw.replace(b"42", b"43").replace(b"1001", b"1009").replace(b"email", b"e-mail")
    assert tampered != sent.raw
    assert receiving.post(name, tampered, sent.headers())[1]["code"] == "invalid_signature"
    for service, secret in SECRETS.items():
        if service != name and service in ONE:
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(SECRETS, name, secret)
                assert receiving.send(sent)[0] == 401
    assert receiving.post(name, sent.raw, {})[0] == 401
    assert receiving.taken() == []
    assert receiving.send(sent)[0] == 200


@pytest.mark.parametrize("name", ["chatwoot", "stripe", "zendesk"])
def test_what_was_signed_long_ago_is_refused(name: str, receiving: Receiving) -> None:
    receiving.now = NOW + 301
    status, answer = receiving.send(ONE[name])
    assert (status, answer["code"]) == (401, "late_signature")
    receiving.now = NOW + 299
    assert receiving.send(ONE[name])[0] == 200


@pytest.mark.parametrize("name", sorted(ONE))
def test_what_is_sent_again_has_the_same_ids_whatever_its_unsigned_headers_say(name: str, receiving: Receiving) -> None:
    sent = ONE[name]
    receiving.send(sent)
    first = receiving.taken()
    receiving.now += 60
    assert receiving.send(sent, **{"x-shopify-event-id": "forged", "x-wc-webhook-delivery-id": "9"})[0] == 200
    assert [event["messageId"] for event in receiving.taken()] == [event["messageId"] for event in first]


def test_a_kind_that_no_mapping_knows_is_kept_with_its_bytes(receiving: Receiving) -> None:
    body = json.dumps({"id": "evt_2", "type": "payout.paid", "created": NOW, "data": {"object": {}}}).encode()
    mac = hmac.new(SECRETS["stripe"].encode(), f"{NOW:.0f}.".encode() + body, "sha256").hexdigest()
    status, answer = receiving.post("stripe", body, {"stripe-signature": f"t={NOW:.0f},v1={mac}"})
    assert (status, answer["kept"]) == (200, "unknown_webhook")
    [kept] = receiving.taken()
    assert (kept["topic"], kept["reason"], kept["event"]) == ("events.rejected", "unknown_webhook", "payout.paid")
    assert base64.b64decode(kept["payload"]) == body
    assert (kept["source"], kept["step"]) == ("purchase", "collect")


def test_what_is_not_as_its_mapping_says_is_kept(receiving: Receiving) -> None:
    broken = json.loads(ONE["stripe"].raw)
    broken["data"]["object"]["amount"] = "many"
    sent = ONE["stripe"]._replace(body=broken)
    assert receiving.send(sent)[1]["kept"] == "invalid_webhook"
    assert "amount" in receiving.taken()[0]["message"]
    headers = ONE["stripe"]._replace(body=[1]).headers()  # type: ignore[arg-type]
    assert receiving.post("stripe", b"[1]", headers)[1]["kept"] == "invalid_webhook"


def _nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def _order(lines: int, columns: int) -> bytes:
    order = next(sent for sent in SENT if sent.kind == "orders/paid")
    return json.dumps({**order.body, "line_items": [{}] * lines, **{f"a{at}": 1 for at in range(columns)}}).encode()


HOSTILE = {
    "an amount of a thousand figures": (
        ONE["stripe"],
        ONE["stripe"].raw.replace(b": 4999,", b': "%s",' % (b"9" * 1000)),
    ),
    "a kind of half a megabyte": (ONE["stripe"], b'{"type": "%s"}' % (b"k" * 450_000)),
    "a kind that is a thousand lists": (ONE["stripe"], b'{"type": %s}' % _nested(1000)),
    "a hundred thousand levels": (ONE["stripe"], b'{"type": "charge.succeeded", "data": %s}' % _nested(100_000)),
    "rows times columns": (next(sent for sent in SENT if sent.kind == "orders/paid"), _order(8000, 8000)),
    "no JSON by Standard Webhooks": (SENT[-1], b"type=seat.added"),
    "levels by Standard Webhooks": (SENT[-1], b'{"type": "seat.added", "x": %s}' % _nested(100_000)),
    "NaN by Standard Webhooks": (SENT[-1], b'{"type": "seat.added", "who": "42", "at": NaN}'),
}


@pytest.mark.parametrize("what", sorted(HOSTILE))
def test_whatever_a_signed_body_holds_it_is_answered_soon_and_kept_as_kafka_takes_it(
    what: str, receiving: Receiving
) -> None:
    sent, raw = HOSTILE[what]
    assert raw != sent.raw
    receiving.now = now = time.time()  # Standard Webhooks have their own clock
    headers = SIGN[sent.service](raw, sent.kind, now)
    status, answer = receiving.post(sent.service, raw, headers)
    assert (status, answer.get("kept")) == (200, "unknown_webhook" if "kind" in what else "invalid_webhook")
    assert time.time() - now < 5
    [row] = receiving.kept.rows
    assert len(row.value or b"") < 1_000_000
    [kept] = receiving.taken()
    assert base64.b64decode(kept["payload"]) == raw


def test_what_lies_below_a_name_without_end_takes_no_room(receiving: Receiving) -> None:
    inner = {f"a{at}": 1 for at in range(10_000)}
    raw = json.dumps({**ONE["stripe"].body, "k" * 100_000: inner}).encode()
    tracemalloc.start()
    assert receiving.post("stripe", raw, SIGN["stripe"](raw, "", NOW))[1]["events"] == 1
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


def test_a_fault_of_ours_at_a_body_keeps_it_and_tells_nothing_of_it(
    receiving: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise LookupError("ada@example.com")

    monkeypatch.setattr("console.webhooks.mapped.rows_of", fails)
    assert receiving.send(ONE["stripe"])[1]["kept"] == "invalid_webhook"
    [kept] = receiving.taken()
    assert "LookupError" in kept["message"]
    assert "ada" not in kept["message"]


def test_who_cannot_be_told_is_rejected_as_any_event(receiving: Receiving) -> None:
    nobody = json.loads(ONE["stripe"].raw)
    nobody["data"]["object"]["billing_details"] = {}
    receiving.send(ONE["stripe"]._replace(body=nobody))
    [kept] = receiving.taken()
    assert (kept["reason"], kept["topic"]) == ("no_identity", "events.rejected")


def test_without_kafka_the_service_is_told_to_send_again(receiving: Receiving) -> None:
    receiving.kept.down = True
    assert receiving.send(ONE["shopify"])[0] == 503


def test_other_names_are_unknown_and_a_try_of_the_address_is_answered(receiving: Receiving) -> None:
    assert receiving.post("paypal", b"{}", {})[1]["code"] == "unknown_webhook"
    assert receiving.post("woocommerce", b"webhook_id=5", {})[0] == 200
    assert receiving.taken() == []


def test_a_webhook_needs_its_secret_a_source_and_a_mapping(tmp_path: Path) -> None:
    plan = parse_plan(text("  stripe: {service: stripe, source: purchase}\n"), "plan.yaml", {})
    with pytest.raises(Misconfigured, match="set RAPPORT_WEBHOOK_STRIPE_SECRET to the signing secret"):
        mappings_of(plan, tmp_path)
    plan = parse_plan(text("  own: {service: generic, source: purchase, mapping: gone.yaml}\n"), "plan.yaml",
                      {"RAPPORT_WEBHOOK_OWN_SECRET": SECRETS["generic"]})  # fmt: skip
    with pytest.raises(Misconfigured, match=r"webhook own: .*gone\.yaml cannot be read"):
        mappings_of(plan, tmp_path)
    for secret in ("whsec_", "whsec_x", "é"):
        plan = parse_plan(text("  own: {service: generic, source: purchase, mapping: own.yaml}\n"), "plan.yaml",
                          {"RAPPORT_WEBHOOK_OWN_SECRET": secret})  # fmt: skip
        with pytest.raises(Misconfigured, match=r"set RAPPORT_WEBHOOK_OWN_SECRET to .* whsec_ and base64"):
            mappings_of(plan, tmp_path)
    with pytest.raises(PlanError, match="there is no source 'purchases'; did you mean 'purchase'"):
        parse_plan(text("  stripe: {service: stripe, source: purchases}\n"), "plan.yaml", {})
    with pytest.raises(PlanError, match="name a file in `mapping`"):
        parse_plan(text("  own: {service: generic, source: purchase}\n"), "plan.yaml", {})
    with pytest.raises(PlanError, match="does not stand in a plan; set RAPPORT_WEBHOOK_STRIPE_SECRET"):
        parse_plan(text("  stripe: {service: stripe, source: purchase, secret: x}\n"), "plan.yaml", {})
    warned = parse_plan(text("  stripe: {service: stripe, source: web}\n"), "plan.yaml", {})
    assert any("is public" in warning.message for warning in warned.warnings)


def test_every_service_but_the_generic_one_has_a_ready_mapping() -> None:
    assert {*ready_webhooks(), "generic"} == {*SENDERS}
