"""What an event says about consent, as ingest finds it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from aiokafka.structs import ConsumerRecord

from plan import load_plan
from profiles.types import Event
from streams.steps.check import check
from streams.steps.consent import consent
from streams.steps.decode import decode
from streams.steps.intake import Intake
from tests import REPOSITORY

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
        ({**PAGE, "context": preferences(personalisation=None, analytics="no", outreach=0)}, {}),
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
    """Only true and false, only for what the plan names, from an identify, a category or an event of consent."""
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
