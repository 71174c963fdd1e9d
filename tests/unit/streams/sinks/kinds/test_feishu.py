"""飞书: signatures made anew in the test, cards in plain text, and a service that answers 200 with a code."""

from __future__ import annotations

import asyncio
import base64
import json
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from pydantic import SecretStr

from plan.sinks.kinds import FeishuSink
from streams.sinks.kinds.feishu import Feishu
from tests.sinks import Received, Reply, caller, receiver
from tests.told import URL, alert, hostile, told

SECRET = "rLgE7cX4mB2aQ"


def feishu(url="https://open.feishu.cn/open-apis/bot/v2/hook/x", secret=SECRET):
    held = {"URL": SecretStr(url), **({"SECRET": SecretStr(secret)} if secret else {})}
    return Feishu("care", FeishuSink(type="feishu"), held)


def service(received: Received) -> Reply:
    """As the service looks at a message: its size, its form, its signature, its card."""

    def said(code: int, text: str) -> Reply:
        return Reply(200, json.dumps({"code": code, "msg": text, "data": {}}).encode())

    if len(received.body) > 20 * 1024:
        return said(9499, "Bad Request")
    body = json.loads(received.body)
    key = HMAC(f"{body['timestamp']}\n{SECRET}".encode(), hashes.SHA256())
    key.update(b"")
    if base64.b64encode(key.finalize()).decode() != body["sign"] or abs(int(body["timestamp"]) - time.time()) > 3600:
        return said(19021, "sign match fail or timestamp is not within one hour from current time")
    if body["msg_type"] != "interactive" or not body["card"]["elements"]:
        return said(19002, "params error, msg_type need")
    return said(0, "success")


def sent(kind_of, **more):
    async def main():
        async with receiver() as held, caller() as made:
            held.answer = service
            return await kind_of(held.url).send(told(alert(), **{"now": time.time(), **more}), made)

    return asyncio.run(main())


def test_the_service_takes_what_is_signed():
    assert sent(feishu).outcome == "delivered"


def test_another_secret_or_an_old_time_is_not_taken_and_tried_again():
    for verdict in (
        sent(lambda url: feishu(url, "another")),
        sent(feishu, now=time.time() - 7200),
    ):
        assert (verdict.outcome, verdict.status) == ("again", 200)
        assert "sign match fail" in verdict.answer


def test_without_a_secret_nothing_is_signed():
    (call,) = feishu(secret="").requests(told(alert()))
    assert json.loads(call.body).keys() == {"msg_type", "card"}


def test_the_card_has_its_colour_buttons_and_plain_text_alone():
    (call,) = feishu().requests(told(alert(), hostile(2)))
    said = json.loads(call.body)["card"]
    assert said["header"]["template"] == "red"
    texts = []

    def look(value):
        for one in value.values() if isinstance(value, dict) else value:
            if isinstance(one, dict) and "content" in one:
                texts.append(one)
            if isinstance(one, dict | list):
                look(one)

    look(said)
    assert {text["tag"] for text in texts} == {"plain_text"}
    buttons = [one["actions"][0]["url"] for one in said["elements"] if one["tag"] == "action"]
    assert buttons == [f"{URL}/c/XYlwaH1", f"{URL}/c/XYlwaH2", f"{URL}/"]


@pytest.mark.parametrize(
    ("status", "body", "outcome", "after"),
    [
        (200, {"code": 0, "msg": "success", "StatusCode": 0, "StatusMessage": "success"}, "delivered", None),
        (200, {"StatusCode": 0, "StatusMessage": "success"}, "delivered", None),
        (200, {"code": 19001, "msg": "param invalid: incoming webhook access token invalid"}, "disabled", None),
        (200, {"code": 19022, "msg": "Ip Not Allowed"}, "again", None),
        (200, {"code": 19024, "msg": "Key Words Not Found"}, "again", None),
        (400, {"code": 9499, "msg": "Bad Request"}, "refused", None),
        (200, {"code": 9499, "msg": "too many request"}, "again", 60.0),
        (200, {"code": 11232, "msg": "frequency limited psm[lark.oapi.app_platform_runtime]"}, "again", 60.0),
        (400, {"code": 11246, "msg": "card content invalid"}, "refused", None),
        (500, {"code": 1, "msg": "internal"}, "again", None),
    ],
)
def test_what_the_service_answers(status, body, outcome, after):
    async def main():
        async with receiver() as held, caller() as made:
            held.replies.append(Reply(status, json.dumps(body).encode()))
            return await feishu(held.url).send(told(alert()), made)

    verdict = asyncio.run(main())
    assert (verdict.outcome, verdict.after, verdict.throttled) == (outcome, after, after is not None)
