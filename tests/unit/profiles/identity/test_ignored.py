"""What the plan ignores: kept out of profiles, counted, listed, and no reason to pause a source."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry

from models.conditions.rules import AlertRule
from models.segments.alerts import compile_alerts
from models.segments.membership import compile_segments
from plan import Plan, diff_plans, parse_plan
from plan.errors import PlanError
from profiles.consent import PURPOSES, is_internal
from profiles.identity.ignored import BOT, INTERNAL
from profiles.merge import merge
from profiles.state import apply
from profiles.stores.memory import MemorySourceStore
from profiles.types import Profile
from streams.clock import SteppedClock
from streams.dead_letters.newest import RejectedTail
from streams.judge import Judge
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.metrics import WorkerMetrics
from streams.pipeline import limits_of
from streams.records.rejected import IGNORE
from streams.records.sender import address_header
from streams.settings import Settings
from streams.steps.intake import Intake
from streams.worker.breaker.aside import PutAside
from streams.worker.breaker.circuit_breaker import CircuitBreaker
from tests.build import T0, record
from tests.plans import BASE

PUBLIC = BASE.replace("write_key: key-of-web, public: false", "write_key: key-of-web, public: true").replace(
    "events:\n",
    "events:\n  - {type: identify, sources: [web, purchase], owner: o, description: d, why: w, enforce: flag}\n",
)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def plan(**ignore: Any) -> Plan:
    """The small plan, with a public web site, which ignores this."""
    return parse_plan(f"{PUBLIC}ignore: {json.dumps(ignore)}\n", "plan.yaml", {})


def judged(using: Plan, source: str, *contexts: Any) -> Intake:
    """What becomes of page views, or of a server's orders, with these contexts."""
    raw: dict[str, Any] = {"type": "page", "anonymousId": "a"}
    if source == "purchase":
        properties = {"order_id": "1", "revenue": 5}
        raw = {"type": "track", "event": "Order Completed", "userId": "u", "properties": properties}
    records = [
        record(n, orjson.dumps({**raw, "messageId": f"m{n}", "context": context}), at=T0)
        for n, context in enumerate(contexts)
    ]
    return asyncio.run(Judge(using, T0).intake(source, records))


def why(using: Plan, source: str, context: Any) -> str:
    intake = judged(using, source, context)
    assert len(intake.items) + len(intake.rejected) == 1
    return intake.rejected[0].reason if intake.rejected else ""


@pytest.mark.parametrize(
    ("agent", "reason"),
    [
        (CHROME, ""),
        ("Mozilla/5.0 (Linux; Android 12; Cubot X50) AppleWebKit/537.36 Chrome/119.0 Mobile Safari/537.36", ""),
        ("Dalvik/2.1.0 (Linux; U; Android 13; Pixel 6 Build/TQ3A.230805.001)", ""),
        (GOOGLEBOT, BOT),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), BOT),
        ("Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", BOT),
        ("curl/8.0", BOT),
        ("", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_programs_are_told_from_people(agent: Any, reason: str) -> None:
    assert why(plan(bots=True), "web", {"userAgent": agent}) == reason
    assert why(plan(), "web", {"userAgent": agent}) == ""


def test_a_program_that_sends_for_somebody_is_none() -> None:
    """A server says itself what it is: its order must not be lost because of the library it uses."""
    assert why(plan(bots=True), "purchase", {"userAgent": "python-requests/2.31"}) == ""
    assert why(plan(bots=True), "web", {"userAgent": "python-requests/2.31"}) == BOT


def test_programs_of_your_own_are_named() -> None:
    using = plan(user_agents=["ShopMonitor"])
    assert why(using, "web", {"userAgent": "Mozilla/5.0 shopmonitor/3"}) == BOT
    assert why(using, "web", {"userAgent": GOOGLEBOT}) == ""


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("192.0.2.7", INTERNAL), ("::ffff:192.0.2.7", INTERNAL), (" 192.0.2.7 ", INTERNAL), ("2001:db8::1", INTERNAL),
        ("192.0.3.7", ""), ("2001:db9::1", ""), ("no address", ""), (7, ""), (None, ""), ("", ""),
    ],
)  # fmt: skip
def test_addresses_of_your_own(address: Any, reason: str) -> None:
    using = plan(addresses=["192.0.2.7/24", "2001:db8::/32"])
    assert why(using, "web", {"ip": address}) == why(using, "purchase", {"ip": address}) == reason
    for context in ([], None, "x"):
        assert why(using, "web", context) == ""


def test_what_the_plan_ignores_is_listed_and_changes_nobody() -> None:
    using, settings = plan(bots=True), Settings()
    intake = judged(using, "web", {"userAgent": GOOGLEBOT}, {"userAgent": CHROME}, {"userAgent": GOOGLEBOT})
    assert [item.event.id for item in intake.items if item.event] == ["m1"]
    assert [(each.step, each.reason, bool(each.payload)) for each in intake.rejected] == [(IGNORE, BOT, True)] * 2

    registry = CollectorRegistry()
    metrics = WorkerMetrics(registry)
    metrics.ingested("web", accepted=1, flagged=0, rejected=intake.rejected)
    counts = {
        outcome: registry.get_sample_value("rapport_events_total", {"source": "web", "outcome": outcome})
        for outcome in ("accepted", "ignored", "rejected")
    }
    assert counts == {"accepted": 1, "ignored": 2, "rejected": None}

    wrong = judged(using, "web", {}).items and asyncio.run(Judge(using, T0).intake("web", [record(9, b"[]", at=T0)]))
    assert wrong
    log = MemoryLog({"events.rejected": 1})
    rows = [Row("events.rejected", 0, b"web", each.encode()) for each in [*wrong.rejected, *intake.rejected]]
    asyncio.run(log.produce(rows))
    listed = asyncio.run(RejectedTail(log, settings, using).tail(10))
    assert [each["step"] for each in listed] == ["decode", IGNORE, IGNORE]


def test_a_crawler_pauses_no_source_and_is_no_sender_gone_wrong() -> None:
    using, store = plan(bots=True), MemorySourceStore()
    metrics = WorkerMetrics(CollectorRegistry())
    breaker = CircuitBreaker(using, store, metrics, "w", SteppedClock(T0))
    aside = PutAside(using, store, metrics, "w")
    value = orjson.dumps({"type": "page", "anonymousId": "a", "context": {"userAgent": GOOGLEBOT}})
    records = [
        record(n, value, at=T0, headers=[address_header(using.pii_key, f"198.51.100.{n % 250}")]) for n in range(2000)
    ]

    async def run() -> None:
        await breaker.refresh()
        intake = await Judge(using, T0).intake("web", records)
        assert len(intake.rejected) == 2000
        assert await breaker.admit(intake, records)
        kept = aside.sift(intake.rejected * 60, records, T0)
        assert sum(1 + len(each.also) if each.aside else 1 for each in kept) == 2000 * 60
        await aside.report(T0)
        assert not await store.asides(T0)

    asyncio.run(run())


def test_the_plan_says_what_is_wrong_and_what_changes() -> None:
    with pytest.raises(PlanError, match="no IP address or range such as"):
        plan(addresses=["office"])
    changes = [str(change) for change in diff_plans(plan(), plan(bots=True, addresses=["192.0.2.1"]))]
    assert changes == ["ignore.bots: False → True", "ignore.addresses: '192.0.2.1/32' is ignored from now on"]


def person(using: Plan, *raws: dict[str, Any]) -> Profile:
    """The profile of what a server, or a page where it says so, tells of customer u."""
    profile = Profile("p")
    for number, raw in enumerate(raws):
        source = raw.get("source", "purchase")
        event = {"userId": "u", "messageId": f"m{number}", **raw}
        intake = asyncio.run(Judge(using, T0).intake(source, [record(0, orjson.dumps(event), at=T0 - 60)]))
        (item,) = intake.items
        assert item.event is not None
        apply(profile, item.event, "EUR", limits_of(Settings(), using))
    return profile


ORDER = {"type": "track", "event": "Order Completed", "properties": {"order_id": "1", "revenue": 5}}
STAFF = {"type": "identify", "traits": {"email": "Ann@Shop.example"}}


def test_own_people_are_in_nothing_but_their_segment() -> None:
    """Whether they said who they are before or after; those of others are as they were."""
    using = plan(mail_domains=["@shop.example"])
    segments = compile_segments(using.segments, "EUR", using.consent)
    rule = AlertRule.model_validate({"name": "a", "when": {"count": "purchase", "at_least": 1}, "purpose": None})
    alerts = compile_alerts([rule], "EUR", segments.names, using.consent, segments.needs)
    for raws in itertools.permutations([ORDER, STAFF, {"type": "identify", "traits": {"country": "NL"}}]):
        ours = person(using, *raws)
        assert segments.evaluate(ours, T0) == {"internal"}
        assert not any(using.consent.allows(ours, purpose) for purpose in PURPOSES)
        assert using.consent.denied(ours) == set(PURPOSES)
        assert alerts.decide(ours, T0) == []
        others = person(using, *(raw for raw in raws if raw is not STAFF))
        assert segments.evaluate(others, T0) == {"dutch"}
        assert len(alerts.decide(others, T0)) == 1
        merge(others, ours, limits_of(Settings(), using))
        assert segments.evaluate(others, T0) == {"internal"}
    assert "internal" not in {rule.name for rule in plan().segments}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"type": "identify", "traits": {"email": "a@shop.example"}}, True),
        ({"type": "identify", "traits": {"email": "a@eu.shop.example "}}, True),
        ({"type": "identify", "traits": {"email": "a@SHOP.example."}}, True),
        ({"type": "identify", "traits": {"email": "a@myshop.example"}}, False),
        ({"type": "identify", "traits": {"email": "shop.example@x.example"}}, False),
        ({"type": "identify", "traits": {"email": ["a@shop.example"]}}, False),
        ({"type": "identify", "userId": "a@shop.example"}, True),
        ({"type": "identify", "traits": {}, "context": {"traits": {"email": "a@shop.example"}}}, True),
        ({**ORDER, "context": {"traits": {"email": "a@shop.example"}}}, True),
        ({**ORDER, "properties": {**ORDER["properties"], "email": "a@shop.example"}}, False),
        ({"type": "identify", "traits": {"consent.Internal": True}}, False),
        ({"type": "page", "source": "web", "context": {"traits": {"email": "a@shop.example"}}}, False),
    ],
)
def test_own_people_are_known_by_their_address(raw: dict[str, Any], expected: bool) -> None:
    """Not by somebody else's; and of a public source, which may say it of anybody, it is only a claim."""
    assert is_internal(person(plan(mail_domains=["shop.example"]), ORDER, raw)) is expected


def test_domains_are_compared_as_mail_has_them() -> None:
    using = plan(mail_domains=["bücher.example"])
    for address in ("a@bücher.example", "a@xn--bcher-kva.example", "a@BÜCHER.example"):
        assert is_internal(person(using, ORDER, {"type": "identify", "traits": {"email": address}}))
    with pytest.raises(PlanError, match="no domain such as"):
        plan(mail_domains=["not a domain"])
