"""Our webhooks as a receiver in Node.js verifies them, with the library of Standard Webhooks."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time

from pydantic import SecretStr

from plan.sinks.kinds import WebhookSink
from streams.sinks.kinds.kind import Told
from streams.sinks.kinds.webhook import Webhook
from streams.sinks.messages import NoticeData, NoticeMessage
from tests.console.sdk_builds import SDKS, node_modules

OLD, NEW, OTHER = ("whsec_" + base64.b64encode(bytes(range(at, at + 32))).decode() for at in (0, 40, 80))


def test_the_library_for_node_verifies_while_a_secret_is_replaced_and_refuses_what_was_changed():
    modules = node_modules()
    held = {"URL": SecretStr("https://crm.example/in"), "SECRET": SecretStr(f"{NEW} {OLD}")}
    data = NoticeData("Ünïcode “quoted” 你好", None, {"a": [1, 2.5]})
    body = NoticeMessage(type="sink.test", timestamp="2026-11-30T09:00:00.000000Z", data=data)
    (call,) = Webhook("crm", WebhookSink(type="webhook"), held).requests(Told("msg_1", [body], time.time()))
    text, headers = call.body.decode(), dict(call.headers)
    late = headers | {"webhook-timestamp": str(int(time.time()) - 3600)}
    asked = [
        (OLD, text, headers), (NEW, text, headers), (OTHER, text, headers), (OLD, text + " ", headers),
        (OLD, text, headers | {"webhook-id": "msg_2"}), (OLD, text, late),
    ]  # fmt: skip
    told = [{"secret": secret, "body": body, "headers": headers} for secret, body, headers in asked]
    answered = subprocess.run(
        ["node", str(SDKS / "verify.cjs")],
        input=json.dumps(told),
        env=os.environ | {"NODE_PATH": str(modules)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    expected = json.loads(text)
    assert json.loads(answered.stdout) == [expected, expected, *["WebhookVerificationError"] * 4]
