"""企业微信: Markdown within 4,096 bytes, nobody mentioned, and refusals of status 200."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from pydantic import SecretStr

from plan.sinks.kinds import WeComSink
from streams.sinks.kinds.wecom import WeCom
from tests.sinks import Received, Reply, caller, receiver
from tests.told import URL, alert, hostile, told


def wecom(url="https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k"):
    return WeCom("care", WeComSink(type="wecom"), {"URL": SecretStr(url)})


def content(*bodies, **more):
    (call,) = wecom().requests(told(*bodies, **more))
    said = json.loads(call.body)
    assert said["msgtype"] == "markdown"
    return said["markdown"]["content"]


def service(received: Received) -> Reply:
    """As the service looks at a message: its key, and how many bytes its Markdown has."""
    body = json.loads(received.body)
    code, text = 0, "ok"
    if "key=k" not in received.path:
        code, text = 93000, "invalid webhook url, hint: [1796029200_5_x], from ip: 192.0.2.1"
    elif len(body["markdown"]["content"].encode()) > 4096:
        code, text = 40058, "markdown.content exceed max length 4096. invalid Request Parameter"
    return Reply(200, json.dumps({"errcode": code, "errmsg": text}).encode())


@pytest.mark.parametrize(
    ("path", "bodies", "outcome"),
    [
        ("/cgi-bin/webhook/send?key=k", [alert()], "delivered"),
        ("/cgi-bin/webhook/send?key=k", [hostile(number) for number in range(1, 40)], "delivered"),
        ("/cgi-bin/webhook/send?key=k", [hostile(1, "字" * 100_000)], "delivered"),
        ("/cgi-bin/webhook/send?key=other", [alert()], "disabled"),
    ],
)
def test_the_service_takes_it(path, bodies, outcome):
    async def main():
        async with receiver() as held, caller() as made:
            held.answer = service
            return await wecom(f"{held.url}{path}").send(told(*bodies), made)

    assert asyncio.run(main()).outcome == outcome


def test_nobody_is_mentioned_and_markup_is_ours():
    said = content(hostile())
    assert not set("<>_`~|\\{}!#") & set(said)
    assert said.count("](") == said.count(f"]({URL}/") == 2
    assert said.count("*") == 4  # the title


def test_as_many_alerts_are_named_as_there_is_room_for():
    said = content(*(alert(number, worth=100 * number, note="n" * 150) for number in range(1, 11)))
    named = said.count("Open in the console")
    assert 3 < named < 10
    assert f"and {10 - named} more, €" in said


def test_one_alert_that_is_too_long_loses_its_reasons_first():
    one = hostile(1, "字" * 1000)
    reasons = [*(one.reasons or ()), *(one.reasons or ()), *(one.reasons or ())]
    said = content(msgspec.structs.replace(one, reasons=reasons))
    assert "Why: " not in said
    assert "Stage: " in said


@pytest.mark.parametrize(
    ("code", "outcome", "after"),
    [(-1, "again", None), (93000, "disabled", None), (40058, "refused", None), (45002, "refused", None),
     (45009, "again", 60.0)],
)  # fmt: skip
def test_what_the_service_answers(code, outcome, after):
    async def main():
        async with receiver() as held, caller() as made:
            held.replies.append(Reply(200, json.dumps({"errcode": code, "errmsg": "…"}).encode()))
            return await wecom(held.url).send(told(alert()), made)

    verdict = asyncio.run(main())
    assert (verdict.outcome, verdict.after, verdict.throttled) == (outcome, after, after is not None)
