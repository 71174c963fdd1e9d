"""The webhook: its signatures, by the public library and by hand; its secrets; what answers mean."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook as Library
from standardwebhooks.webhooks import WebhookVerificationError

from plan.sinks.kinds import WebhookSink
from profiles.errors import WrongUse
from streams.sinks.http import Answer
from streams.sinks.kinds.kind import Told
from streams.sinks.kinds.webhook import Webhook
from streams.sinks.messages import NoticeData, NoticeMessage
from tests.sinks import caller, receiver

OLD = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NEW = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()
BODY = NoticeMessage(
    type="sink.test", timestamp="2026-11-30T09:00:00.000000Z", data=NoticeData("Ünïcode, “quoted”", None, {})
)


def webhook(secret=OLD, url="https://crm.example/in"):
    held = {"URL": SecretStr(url), "SECRET": SecretStr(secret)}
    return Webhook("crm", WebhookSink(type="webhook"), held)


def told(now=None):
    return Told("msg:1", [BODY], datetime.now(UTC).timestamp() if now is None else now)


@pytest.mark.parametrize("secrets", [OLD, NEW, f"{NEW} {OLD}", f"{OLD},{NEW}"])
def test_the_public_library_verifies_with_each_secret(secrets):
    (call,) = webhook(secrets).requests(told())
    for secret in secrets.replace(",", " ").split():
        assert Library(secret).verify(call.body, dict(call.headers)) == json.loads(call.body)
    assert len(call.headers["webhook-signature"].split()) == len(secrets.replace(",", " ").split())


def test_another_body_id_time_or_secret_is_not_verified():
    (call,) = webhook().requests(told())
    headers = dict(call.headers)
    for body, changed, secret in (
        (call.body + b" ", {}, OLD),
        (call.body, {"webhook-id": "msg:2"}, OLD),
        (call.body, {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, OLD),
        (call.body, {}, NEW),
    ):
        with pytest.raises(WebhookVerificationError):
            Library(secret).verify(body, headers | changed)


def test_the_time_is_of_the_attempt_and_the_id_stays():
    first, second = (webhook().requests(told(now))[0] for now in (1000.9, 2000.0))
    assert (first.headers["webhook-id"], second.headers["webhook-id"]) == ("msg:1", "msg:1")
    assert (first.headers["webhook-timestamp"], second.headers["webhook-timestamp"]) == ("1000", "2000")
    assert first.body == second.body


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "nonsense!", "whsec_" + "A" * 200, f"{OLD} x"])
def test_a_secret_that_cannot_sign_is_refused_and_not_shown(secret):
    with pytest.raises(WrongUse, match="RAPPORT_SINK_CRM_SECRET") as refused:
        webhook(secret)
    for part in filter(None, (text.removeprefix("whsec_") for text in secret.split())):
        assert len(part) < 8 or part not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "headers", "outcome", "after", "throttled"),
    [
        (200, {}, "delivered", None, False),
        (204, {}, "delivered", None, False),
        (301, {"location": "/"}, "again", None, False),
        (400, {}, "again", None, False),
        (410, {}, "disabled", None, False),
        (429, {"retry-after": "17"}, "again", 17.0, True),
        (503, {"retry-after": "Mon, 30 Nov 2026 00:00:00"}, "again", 0.0, True),
        (503, {"retry-after": "soon"}, "again", None, True),
        (500, {"retry-after": "999999999999"}, "again", 86400.0, False),
    ],
)
def test_what_an_answer_means(status, headers, outcome, after, throttled):
    verdict = webhook().judge(Answer(status, "", headers))
    if after == 0.0:
        assert verdict.after is not None
        after = verdict.after
    assert (verdict.outcome, verdict.after, verdict.throttled) == (outcome, after, throttled)


def test_it_arrives_as_it_was_signed():
    async def main():
        async with receiver() as held, caller() as made:
            verdict = await webhook(url=f"{held.url}/in").send(told(), made)
            return verdict, held.received

    verdict, (got,) = asyncio.run(main())
    assert verdict.outcome == "delivered"
    assert Library(OLD).verify(got.body, dict(got.headers))["type"] == "sink.test"
