"""钉钉: signatures in the query made anew in the test, Markdown of ours alone, and refusals of status 200."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from pydantic import SecretStr

from plan.sinks.kinds import DingTalkSink
from streams.sinks.kinds.dingtalk import DingTalk
from tests.sinks import Received, Reply, caller, receiver
from tests.told import URL, alert, hostile, told

SECRET = "SEC3f9d+/="


def dingtalk(url="https://oapi.dingtalk.com/robot/send?access_token=t", secret=SECRET):
    held = {"URL": SecretStr(url), **({"SECRET": SecretStr(secret)} if secret else {})}
    return DingTalk("care", DingTalkSink(type="dingtalk"), held)


class Service:
    """As the service looks at messages: token, signature, size, and how many came within a minute."""

    def __init__(self, within: int = 20) -> None:
        self.left = within

    def __call__(self, received: Received) -> Reply:
        code, text = self._judge(received)
        return Reply(200, json.dumps({"errcode": code, "errmsg": text}).encode())

    def _judge(self, received: Received) -> tuple[int, str]:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(received.path).query).items()}
        if asked.get("access_token") != "t":
            return 300005, "token is not exist"
        key = HMAC(SECRET.encode(), hashes.SHA256())
        key.update(f"{asked['timestamp']}\n{SECRET}".encode())
        late = abs(int(asked["timestamp"]) / 1000 - time.time()) > 3600
        if late or base64.b64encode(key.finalize()).decode() != asked["sign"]:
            return 310000, "sign not match, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"
        if len(received.body) > 20_000:
            return 460101, "message too long, exceed 20000 bytes"
        self.left -= 1
        if self.left < 0:
            return 130101, "send too fast, exceed 20 times per minute"
        return 0, "ok"


def sent(kind_of, service=None, path="/robot/send?access_token=t", now=None, times=1):
    async def main():
        async with receiver() as held, caller() as made:
            held.answer = service or Service()
            kind = kind_of(f"{held.url}{path}")
            at = time.time() if now is None else now
            return [await kind.send(told(alert(), now=at), made) for _ in range(times)]

    return asyncio.run(main())


def test_the_service_takes_what_is_signed():
    assert [verdict.outcome for verdict in sent(dingtalk)] == ["delivered"]


def test_another_secret_an_old_time_or_none_is_not_taken():
    for (verdict,) in (
        sent(lambda url: dingtalk(url, "SECanother")),
        sent(dingtalk, now=time.time() - 7200),
    ):
        assert (verdict.outcome, verdict.status, verdict.throttled) == ("again", 200, False)
        assert "sign not match" in verdict.answer
    (gone,) = sent(dingtalk, path="/robot/send?access_token=other")
    assert (gone.outcome, gone.status) == ("disabled", 200)


def test_who_sends_too_fast_is_silent_for_ten_minutes():
    first, second = sent(dingtalk, Service(within=1), times=2)
    assert first.outcome == "delivered"
    assert (second.outcome, second.after, second.throttled) == ("again", 600.0, True)


def test_without_a_secret_the_address_is_called_as_it_is():
    (call,) = dingtalk(secret="").requests(told(alert()))
    assert call.url == "https://oapi.dingtalk.com/robot/send?access_token=t"


def test_markup_is_ours_alone_and_nobody_is_called():
    (call,) = dingtalk().requests(told(hostile()))
    said = json.loads(call.body)
    assert said["at"] == {"atMobiles": [], "atUserIds": [], "isAtAll": False}
    text = said["markdown"]["text"]
    assert text.startswith("### New: ＜！channel＞ ＜！here＞ ＜＠U024BE7LH＞")
    assert text.count("[") == text.count("](") == 2
    assert text.count(f"]({URL}/") == 2
    assert not set("*_`<>~|\\{}!") & set(text)
    assert text.count("#") == 3


@pytest.mark.parametrize(
    ("code", "outcome", "after"),
    [
        (-1, "again", None),
        (310000, "again", None),
        (400102, "disabled", None),
        (400013, "disabled", None),
        (430104, "refused", None),
        (460101, "refused", None),
        (410100, "again", 600.0),
    ],
)
def test_what_the_service_answers(code, outcome, after):
    async def main():
        async with receiver() as held, caller() as made:
            held.replies.append(Reply(200, json.dumps({"errcode": code, "errmsg": "…"}).encode()))
            return await dingtalk(held.url).send(told(alert()), made)

    verdict = asyncio.run(main())
    assert (verdict.outcome, verdict.after, verdict.throttled) == (outcome, after, after is not None)
