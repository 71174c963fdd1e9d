"""What an event says about consent, as ingest finds it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from aiokafka.structs import ConsumerRecord

from plan import Plan, load_plan, parse_plan
from profiles.types import Event, Identity
from streams.pipeline import ingest_pipeline
from streams.records.withdrawal import withdrawal_of
from streams.steps.check import check
from streams.steps.consent import consent
from streams.steps.decode import decode
from streams.steps.identify import NOBODY, Erased
from streams.steps.intake import Intake
from tests import REPOSITORY
from tests.build import erased as erased_of

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})


def ingest(raw: dict[str, Any], source: str = "web") -> Event:
    """An event after the step; what identify makes of it before is written out here."""
    value = orjson.dumps({"userId": "1", "messageId": "m", **raw})
    batch = Intake(source, [ConsumerRecord("events.web", 0, 0, 5000, 0, None, value, None, 0, 0, ())], 9.0)
    decode()(batch)
    check(PLAN)(batch)
    [item] = batch.items
    traits = item.properties if raw["type"] == "identify" else {}
    item.event = Event("p", "m", source, raw["type"], item.name, "", item.time, item.time, traits=traits)
    consent(PLAN)(batch)
    assert item.event is not None
    return item.event


def preferences(**said: Any) -> dict[str, Any]:
    """As Segment's SDKs and consent managers send them."""
    return {"consent": {"categoryPreferences": said}}


PAGE = {"type": "page", "name": "Home"}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"type": "identify", "traits": {"profiling_consent": False}}, {"profiling": False}),
        ({"type": "identify", "traits": {"outreach_consent": True}}, {"outreach": True}),
        ({"type": "identify", "context": {"traits": {"profiling_consent": False}}}, {"profiling": False}),
        ({**PAGE, "context": preferences(personalisation=False, analytics=True)},
         {"profiling": False, "analytics": True}),
        ({"type": "track", "event": "Cart Viewed", "context": preferences(outreach=False)}, {"outreach": False}),
        ({"type": "track", "event": "Consent Updated", "properties": {"purpose": "personalisation", "granted": False}},
         {"profiling": False}),
        ({"type": "track", "event": "Consent Updated", "properties": {"purpose": "outreach", "granted": True}},
         {"outreach": True}),
        # Nothing about us is said:
        ({"type": "track", "event": "Consent Updated", "properties": {"purpose": "marketing", "granted": False}}, {}),
        ({**PAGE, "context": preferences(Advertising=False)}, {}),
        ({**PAGE, "context": preferences(personalisation=None, analytics="", outreach=[])}, {}),
        ({**PAGE, "context": {"consent": {"categoryPreferences": ["analytics"]}}}, {}),
        ({**PAGE, "context": {"consent": "yes"}}, {}),
        ({**PAGE, "context": {"traits": {"profiling_consent": False}}}, {}),
        ({"type": "identify", "traits": {"profiling_consent": None}}, {}),
        ({"type": "group", "groupId": "g", "traits": {"profiling_consent": False}}, {}),
        # A no anywhere is a no:
        ({"type": "identify", "traits": {"profiling_consent": True}, "context": preferences(personalisation=False)},
         {"profiling": False}),
        ({"type": "identify", "traits": {"profiling_consent": False}, "context": preferences(personalisation=True)},
         {"profiling": False}),
    ],
)  # fmt: skip
def test_what_events_say(raw: dict[str, Any], said: dict[str, bool]) -> None:
    """Only for what the plan names, from an identify, a category or an event of consent."""
    traits = ingest(raw).traits

    assert {name: value for name, value in traits.items() if name.startswith("consent.")} == {
        f"consent.{purpose}": word for purpose, word in said.items()
    }


def test_other_traits_stay() -> None:
    """The sender's own trait, too: it is the record of what was sent."""
    traits = ingest({"type": "identify", "traits": {"firstName": "Ada", "profiling_consent": False}}).traits

    assert traits == {"firstName": "Ada", "profiling_consent": False, "consent.profiling": False}


def test_nobody_else_writes_our_traits() -> None:
    """A sender's `consent.profiling` is taken out, told as a violation, and beside a true word says nothing."""
    forged = {"consent.profiling": True, "consent.x": 1, "firstName": "Ada"}
    event = ingest({"type": "identify", "traits": {**forged, "profiling_consent": False}})

    assert event.traits == {"firstName": "Ada", "profiling_consent": False, "consent.profiling": False}
    assert event.violations == [
        "traits.consent.profiling: is not for senders", "traits.consent.x: is not for senders"
    ]  # fmt: skip


def said_of(event: Event) -> dict[str, Any]:
    return {name.removeprefix("consent."): word for name, word in event.traits.items() if name.startswith("consent.")}


@pytest.mark.parametrize(
    ("word", "said"),
    [
        *((word, True) for word in ("true", "TRUE", " yes ", "1", 1, 1.0, "granted", "opt-in", "Always Active")),
        *((word, False) for word in ("false", "False", "no", "0", 0, "denied", "opt_out", "Opted-Out", "off")),
        *((word, False) for word in ("perhaps", 2, -1, [True], {"granted": True}, "true or false", "y" * 200)),
        *((word, None) for word in (None, "", [], {})),
    ],
)  # fmt: skip
def test_an_answer_is_never_taken_for_a_yes(word: Any, said: bool | None) -> None:
    """Text and numbers are understood; what is neither yes nor no is a no, with a remark; what is empty is nothing."""
    page = ingest({**PAGE, "context": preferences(personalisation=word)})
    identify = ingest({"type": "identify", "traits": {"profiling_consent": word}})

    for event in (page, identify):
        assert said_of(event) == ({} if said is None else {"profiling": said})
    unclear = word not in (None, "", [], {}) and str(word).lower() in ("perhaps", "2", "-1", "[true]", "true or false")
    if unclear:
        assert any("is neither yes nor no" in remark for remark in page.violations)


TC = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
"""The example of the IAB's format: no consent to any purpose."""


@pytest.mark.parametrize(
    ("context", "said"),
    [
        (preferences(C0002=False, C0003=True), {"analytics": False, "profiling": True}),
        ({"consentManagement": {"deniedConsentIds": ["C0003"], "allowedConsentIds": ["C0001", "C0002"]}},
         {"profiling": False, "analytics": True}),
        ({"consentManagement": {"deniedConsentIds": ["outreach"], "allowedConsentIds": ["outreach"]}},
         {"outreach": False}),
        ({"consentManagement": {"deniedConsentIds": "C0003", "allowedConsentIds": None}}, {}),
        ({"gpc": True}, {"profiling": False}),
        ({"gpc": "1"}, {"profiling": False}),
        ({"consent": {"gpc": 1}}, {"profiling": False}),
        ({"gpc": False}, {}),
        ({"gpc": True, **preferences(personalisation=True)}, {"profiling": False}),
        ({"consent": {"tcString": TC}}, {"profiling": False, "analytics": False}),
        ({"consent": {"tcString": f"DBABMA~{TC}.YAAAAAAAAAA~1YNN"}}, {"profiling": False, "analytics": False}),
        ({"consent": {"tcString": "nonsense"}}, {"profiling": False, "analytics": False}),
        ({"consent": {"tcString": ""}}, {}),
    ],
)  # fmt: skip
def test_what_consent_managers_send_is_mapped_in_the_plan(context: dict[str, Any], said: dict[str, bool]) -> None:
    """OneTrust's groups, RudderStack's lists, TC strings and Global Privacy Control: whatever says no, it is a no."""
    assert said_of(ingest({**PAGE, "context": context})) == said


class _Nobody:
    """A store in which nobody is linked."""

    async def met(
        self, identities: Sequence[Identity], stated: Sequence[Identity]
    ) -> tuple[dict[Identity, str], set[Identity]]:
        return {}, set()


def judged(raw: dict[str, Any] | bytes, source: str = "purchase", plan: Plan = PLAN, erased: Erased = NOBODY) -> Intake:
    """An event after all steps of ingest."""
    value = raw if isinstance(raw, bytes) else orjson.dumps({"messageId": "m", **raw})
    batch = Intake(source, [ConsumerRecord(f"events.{source}", 0, 7, 5000, 0, None, value, None, 0, 0, ())], 9.0)
    asyncio.run(ingest_pipeline(plan, _Nobody(), erased).run(batch))
    return batch


NO = preferences(personalisation=False, analytics=True)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({"type": "track", "event": "Nobody Planned This", "context": NO}, "unplanned"),
        ({"type": "track", "event": "Order Completed", "properties": {"total": "?"}, "context": NO}, "plan_violation"),
        ({"type": "track", "event": "Consent Updated", "properties": {"purpose": "profiling", "granted": "no"}},
         "plan_violation"),
        ({"type": "track", "context": NO}, "no_event_name"),
        ({"type": "page", "name": "n" * 501, "context": NO}, "name_too_long"),
        ({"type": "dance", "context": NO}, "unknown_type"),
        ({"type": "page", "messageId": 5, "context": NO}, "invalid_message_id"),
        ({"type": "track", "event": "X", "context": {"gpc": True}}, "unplanned"),
        ({"type": "track", "event": "X", "context": {"consentManagement": {"deniedConsentIds": ["C0003"]}}},
         "unplanned"),
    ],
)  # fmt: skip
def test_a_withdrawal_in_a_rejected_event_counts(raw: dict[str, Any], reason: str) -> None:
    """The event is rejected all the same; nothing else of it counts, a yes neither, and nobody is linked by it."""
    batch = judged({"userId": "1", "anonymousId": "a", **raw})

    assert [rejection.reason for rejection in batch.rejected] == [reason]
    assert batch.items == batch.links == batch.refused == []
    [item] = batch.withdrawn
    event = item.event
    assert event is not None
    assert (event.traits, event.type, event.role, event.properties) == (
        {"consent.profiling": False},
        "identify",
        "",
        {},
    )
    assert event.identities == [("user_id", "1")]
    assert event.profile == item.home == PLAN.home(("user_id", "1"))
    assert event.id != "m"
    assert item.packed
    assert event.violations == [f"the event is rejected: {reason}; only what it withdraws counts"]


@pytest.mark.parametrize(
    "raw",
    [
        {"userId": "1", "type": "track", "event": "X", "context": preferences(personalisation=True)},
        {"userId": "1", "type": "track", "event": "X"},
        {"type": "track", "event": "X", "context": NO},
        {"userId": "null", "type": "track", "event": "X", "context": NO},
        b'{"userId":"1","type":"track","event":"X","context":{"consent":{"categoryPreferences":{"personalisation":false}}}',
        b'[{"consent":1}]',
    ],
)  # fmt: skip
def test_a_rejected_event_without_a_withdrawal_or_an_identity_changes_nobody(raw: dict[str, Any] | bytes) -> None:
    batch = judged(raw)

    assert len(batch.rejected) == 1
    assert batch.items == batch.withdrawn == []


def test_a_withdrawal_of_a_user_with_a_number_of_many_digits_counts() -> None:
    """A parser would make them somebody else."""
    raw = b'{"userId":12345678901234567890123,"type":"track","event":"X","context":%b}' % orjson.dumps(NO)

    [item] = judged(raw).withdrawn

    assert item.event is not None
    assert item.event.identities == [("user_id", "12345678901234567890123")]


def test_an_erased_customer_stays_erased() -> None:
    raw = {"userId": "1", "type": "track", "event": "X", "context": NO}

    erased = erased_of(PLAN, ("user_id", "1"))

    assert judged(raw, erased=erased).withdrawn == []
    batch = judged(withdrawal_of(raw, "track"), erased=erased)
    assert batch.withdrawn == []
    assert [(rejection.reason, rejection.payload) for rejection in batch.rejected] == [("erased", b"")]


def test_what_the_plan_ignores_withdraws_nothing() -> None:
    """It is kept out of profiles, whatever it says."""
    text = (REPOSITORY / "tracking_plan.yaml").read_text().replace("  addresses: []", "  addresses: [198.51.100.0/24]")
    raw = {"userId": "1", "type": "track", "event": "X", "context": {**NO, "ip": "198.51.100.7"}}

    assert judged(raw, plan=parse_plan(text, "plan", {})).withdrawn == []


def test_what_a_public_source_withdraws_is_claimed() -> None:
    """As in an event that is accepted: it counts while nobody knows whose browser it is."""
    [item] = judged({"anonymousId": "a", "type": "track", "event": "X", "context": NO}, "web").withdrawn

    assert item.event is not None
    assert item.event.traits == {}
    assert item.event.claim is not None
    assert item.event.claim.traits == {"consent.profiling": False}


def test_what_the_collector_has_kept_of_a_rejected_event_is_not_rejected_again() -> None:
    """Unless nothing is withdrawn in it: then somebody else has used our type."""
    event = {"userId": "1", "messageId": "m", "context": NO, "traits": {"profiling_consent": False}}
    batch = judged(withdrawal_of(event, "identify"))
    assert [item.event.traits for item in batch.withdrawn if item.event] == [{"consent.profiling": False}]
    assert batch.rejected == []

    batch = judged(withdrawal_of({"userId": "1"}, "track"))
    assert batch.withdrawn == []
    assert [rejection.reason for rejection in batch.rejected] == ["unknown_type"]


def test_a_plan_without_purposes_listens_to_nobody() -> None:
    text = (REPOSITORY / "tracking_plan.yaml").read_text()
    start, end = text.index("\nconsent:\n"), text.index("\nevents:\n")
    plan = parse_plan(text[:start] + text[end:], "plan", {})

    assert judged({"userId": "1", "type": "track", "event": "X", "context": NO}, plan=plan).withdrawn == []
