"""One alert is the same wherever it is read, to the spelling of its times."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import orjson
import typer
from typer.testing import CliRunner

from console.commands import profile as profile_command
from console.views.privacy import export_view
from models.segments.alert_document import AlertDocument, alert_document, stored_alert
from models.segments.alerts import compile_alerts
from profiles.documents import encode_profile
from profiles.store import Loaded
from profiles.types import Profile
from streams.kafka.topics import ALERTS
from streams.live import LiveEvent, changed_event, told_event
from streams.steps.alert import alert
from streams.steps.work import Work
from tests.console.people import DAY, NOW, customer, keep, store
from tests.console.support_api import PLAN, TOKEN, Nothing, support_api, where

AT = NOW - DAY + 0.123457
"""With all the decimals that a time has."""


class Told(Nothing):
    """A live feed of what a test says is committed."""

    def __init__(self, *events: LiveEvent) -> None:
        self._events = events

    async def subscribe(self) -> AsyncIterator[LiveEvent]:
        for event in self._events:
            yield event


def alarmed() -> tuple[Profile, dict[str, Any]]:
    """A customer whose alert the pipeline's step has opened, and what it put into the outbox for the topic."""
    profile = customer()
    profile.alerts = {}
    work = Work(0, Loaded(profiles={profile.id: profile}), 4)
    work.begin(AT, (), [profile])
    rules = [rule for rule in PLAN.alerts if rule.name == "high_churn_risk"]
    alert(compile_alerts(rules, PLAN.currency, ()), PLAN.consent)(work)
    [output] = [output for output in work.outputs if output.topic == ALERTS]
    assert output.value is not None
    return profile, orjson.loads(output.value)


def test_an_alert_is_the_same_everywhere() -> None:
    """Topic, API, live feed, export and `rapport profile --json`."""
    profile, message = alarmed()
    held = store()
    keep(held, profile)
    feed = Told(told_event(orjson.dumps(message)), LiveEvent("notice", "n", {}))
    cli = typer.Typer()
    profile_command.register(cli)
    with support_api(held, feed=feed) as http:
        [listed] = http.get("/v1/alerts").raise_for_status().json()["data"]
        assert listed.pop("label") == "Ada"
        [shown] = http.get("/v1/profiles/user_id:42").raise_for_status().json()["alerts"]
        live = first_event(http, "alert")
        printed = CliRunner().invoke(cli, ["user_id:42", "--json", *where(http)])
    exported = export_view(profile, [], None, NOW, PLAN).model_dump(mode="json")["profile"]["alerts"]

    assert listed["opened"] == "2025-12-31T00:00:00.123457Z"
    assert (listed["rule"], listed["risk"], listed["held_out"]) == ("high_churn_risk", 0.8, False)
    assert listed["reasons"][0]["text"] == "Waiting 9 days for an answer to a ticket"
    assert message["alert"] == shown == live == json.loads(printed.stdout)["alerts"][0] == exported[0] == listed


def test_a_changed_profile_is_a_row_of_the_list() -> None:
    """With what may not be shown left out, as there."""
    profile = customer()
    held = store()
    keep(held, profile)
    changed = changed_event(profile.id.encode(), encode_profile(profile), "0-1")
    with support_api(held, feed=Told(changed)) as http:
        [row] = http.get("/v1/profiles").raise_for_status().json()["data"]

        assert first_event(http, "profile") == row


def test_an_alert_that_is_told_is_read_back_as_it_was() -> None:
    """A rebuild goes by the topic."""
    profile, message = alarmed()

    told = msgspec.convert(message["alert"], AlertDocument)

    assert told == alert_document(profile, profile.alerts["high_churn_risk"])
    assert stored_alert(told) == profile.alerts["high_churn_risk"]


def first_event(http: httpx.Client, kind: str) -> Any:
    """The data of the first event of a kind."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.stream("GET", f"{http.base_url}/v1/live?kind={kind}", headers=headers, timeout=60) as answer:
        for line in answer.iter_lines():
            if line.startswith("data:"):
                return json.loads(line.removeprefix("data:"))
    raise AssertionError("nothing came")
