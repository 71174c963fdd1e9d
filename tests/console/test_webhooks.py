"""A webhook on its whole way: signed as the service signs, through a collector, Kafka and a worker, to the profile."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.http.serve import create_http
from console.webhooks.endpoint import reread
from plan import load_plan
from plan.load import webhook_variable
from profiles.documents import decode_profile
from profiles.timeline import latest_events
from streams.dead_letters.candidates import Chosen
from streams.dead_letters.rejections import Rejections, Wanted, nothing_shown
from streams.dead_letters.replay import run_replay
from streams.kafka.log import KafkaLog
from streams.settings import Settings
from tests.conftest import MakeSettings
from tests.console.serving import serving
from tests.integration.rapport import PLAN, Rapport, running
from tests.unit.console.webhooks.requests_of import SECRETS, SENT, Sent

pytestmark = pytest.mark.usefixtures("apache_kafka")


def test_a_payment_counts_once_and_what_nobody_knows_is_kept(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tracking_plan.yaml"
    text = PLAN.read_text() + "\nwebhooks:\n  stripe: {service: stripe, source: purchase}\n"
    path.write_text(text)
    monkeypatch.setenv(webhook_variable("stripe"), SECRETS["stripe"])
    now = time.time()
    paid = _of(next(one for one in SENT if one.kind == "charge.succeeded"), now)
    unknown = paid._replace(body={**paid.body, "type": "payout.paid"})
    settings = make_settings(plan=path, open_operations=True)
    with (
        running(settings, tmp_path) as rapport,
        serving(create_http(settings, load_plan(path), collect=True, api=False)) as url,
    ):

        def post(sent: Sent, headers: dict[str, str] | None = None) -> httpx.Response:
            return httpx.post(
                f"{url}/v1/webhook/stripe",
                content=sent.raw,
                headers=sent.headers(time.time()) if headers is None else headers,
            )

        assert post(paid).json() == {"success": True, "events": 1}
        assert post(paid).json() == {"success": True, "events": 1}  # the service heard no answer
        assert post(unknown).json()["kept"] == "unknown_webhook"
        assert post(paid, {}).status_code == 401
        assert post(paid, paid.headers(now - 3600)).json()["code"] == "late_signature"
        rapport.until_live()

        until = time.monotonic() + 60
        while not (found := [decode_profile(id_, document) for id_, document in rapport.documents().items()]):
            assert time.monotonic() < until, "nothing arrives"
            time.sleep(0.2)
        [profile] = found
        assert [event.name for event in latest_events(profile, 10)] == ["Payment Succeeded"]
        [kept] = [json.loads(record.value) for record in rapport.topic("events.rejected")]
        assert (kept["reason"], kept["event"]) == ("unknown_webhook", "payout.paid")
        assert json.loads(base64.b64decode(kept["payload"])) == unknown.body

        (tmp_path / "more.yaml").write_text(MORE)
        path.write_text(text.replace("{service: stripe,", "{service: stripe, mapping: more.yaml,"))
        assert asyncio.run(_replay(settings)) == 2
        until = time.monotonic() + 60
        while len(told := _told(rapport)) < 3:
            assert time.monotonic() < until, told
            time.sleep(0.2)
        assert sorted(told) == ["Payment Failed", "Payment Succeeded", "Subscription Paused"]
        assert asyncio.run(_replay(settings)) == 0


MORE = """
payout.paid:
  - event: Payment Failed
    time_format: epoch
    map: &of
      context.traits.email: data.object.billing_details.email
      timestamp: created
      properties.payment_id: id
      properties.amount: "data.object.amount:minor"
      properties.currency: "data.object.currency:currency"
  - event: Subscription Paused
    time_format: epoch
    map: {context.traits.email: data.object.billing_details.email, timestamp: created, properties.subscription_id: id}
"""


async def _replay(settings: Settings) -> int:
    """Put back what the mended plan knows; answers how many events that were."""
    plan, log = load_plan(settings.plan), KafkaLog(settings)
    again = reread(plan, settings.plan.parent)
    chosen = Chosen(Rejections(log, settings), settings, plan, Wanted(), (), again)
    result = await run_replay(log, settings, plan, chosen, nothing_shown, dry_run=False, accept_gaps=False)
    return result.replayed


def _told(rapport: Rapport) -> list[str]:
    [profile] = [decode_profile(id_, document) for id_, document in rapport.documents().items()]
    return [event.name for event in latest_events(profile, 10)]


def _of(sent: Sent, now: float) -> Sent:
    """The same of now."""
    body: dict[str, Any] = json.loads(json.dumps(sent.body))
    body["created"] = int(now)
    return sent._replace(body=body)
