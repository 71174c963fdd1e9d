"""All chats: what strangers write does nothing in any of them, every card fits, and silence is no delivery."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from pydantic import SecretStr

from plan.sinks.kinds import KINDS
from streams.sinks.http import NoAnswer
from streams.sinks.kinds.chat import ChatKind
from streams.sinks.kinds.table import TABLE
from tests.sinks import Reply, caller, receiver
from tests.told import HOSTILE, URL, alert, digest, hostile, notice, opened, text_of, told

CHATS = {name: kind for name, kind in TABLE.items() if issubclass(kind, ChatKind)}
TAKEN = {
    "slack": b"ok",
    "teams": b"",
    "feishu": b'{"code":0,"msg":"success","data":{}}',
    "dingtalk": b'{"errcode":0,"errmsg":"ok"}',
    "wecom": b'{"errcode":0,"errmsg":"ok"}',
}
"""How each says that it took a message."""

MANY = [
    [hostile()],
    [hostile(number) for number in range(1, 41)],
    [hostile(number, "\U0001f4a5" * 100_000) for number in range(1, 11)],
    [hostile(number, "<&>*" * 25_000) for number in range(1, 11)],
    [digest(*(hostile(number) for number in range(1, 21)), total=500)],
    [notice("model.notice", HOSTILE)],
    [opened(hostile(state="cleared"), "alert.cleared"), hostile(2)],
]


def chat(name, url="https://chat.example/hook?key=k", **spec):
    return CHATS[name](name, KINDS[name](type=name, **spec), {"URL": SecretStr(url), "SECRET": SecretStr("SECx")})


def test_these_are_all():
    assert CHATS.keys() == TAKEN.keys()


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
@pytest.mark.parametrize("bodies", MANY, ids=["one", "forty", "endless", "escaped", "digest", "notice", "over"])
@pytest.mark.parametrize("name", CHATS)
def test_hostile_text_does_nothing_and_fits(name, bodies, language):
    kind = chat(name)
    (call,) = kind.requests(told(*bodies, language=language, more=41, more_value=12_300))
    body = json.loads(call.body)
    assert kind.size(body, call.body) <= kind.LARGEST
    said = text_of(body)
    assert "@" not in said
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\ud800-\udfff]", said)
    addresses = set(re.findall(r"https?://[^\s|>)\"]+", said)) - {"http://adaptivecards.io/schemas/adaptive-card.json"}
    assert all(address.startswith(URL) for address in addresses)
    assert "evil" not in "".join(addresses)


@pytest.mark.parametrize("name", CHATS)
def test_a_group_is_one_card_that_names_the_first_and_counts_the_rest(name):
    alerts = [alert(number, worth=100 * number) for number in range(1, 26)]
    calls = chat(name).requests(told(*alerts, more=41, more_value=1_230_000))
    assert len(calls) == 1
    said = text_of(json.loads(calls[0].body)).replace("（", "(").replace("）", ")")
    named = [number for number in range(1, 26) if f"Daan Weber {number}:" in said]
    assert named == list(range(26 - len(named), 26))
    assert 1 <= len(named) <= 10
    assert f"and {66 - len(named)} more, €" in said
    assert "66 alerts, €12,625.00 at risk" in said


@pytest.mark.parametrize("name", CHATS)
def test_an_alert_says_who_why_what_and_where(name):
    (call,) = chat(name).requests(told(alert()))
    said = text_of(json.loads(call.body))
    for part in (
        "Daan Weber 1", "at risk", "81%", "64%", "Last order 65 days ago, usually every 9 days", "€658.04", "success",
        "Make good what they complained about", f"{URL}/c/XYlwaH1",
    ):  # fmt: skip
        assert part in said
    assert "user_id" not in said


@pytest.mark.parametrize("name", CHATS)
def test_the_same_message_is_the_same_each_time(name):
    def payload(now):
        (call,) = chat(name).requests(told(alert(), alert(2), now=now))
        return {key: value for key, value in json.loads(call.body).items() if key not in ("timestamp", "sign")}

    assert payload(1_796_029_200.0) == payload(1_796_029_999.0)


@pytest.mark.parametrize("name", CHATS)
def test_the_address_is_not_shown(name):
    assert chat(name).hidden[0] == "https://chat.example/hook?key=k"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (None, "delivered"),
        (Reply(301, b"", {"location": "/elsewhere"}), "again"),
        (Reply(302, b"", {"location": "/elsewhere"}), "again"),
        (Reply(410), "disabled"),
        (Reply(500, b"error"), "again"),
        (Reply(502, b"<html>"), "again"),
        (Reply(429, b"", {"retry-after": "7"}), "again"),
    ],
)
@pytest.mark.parametrize("name", CHATS)
def test_what_any_of_them_may_answer(name, reply, outcome):
    async def main():
        async with receiver() as held, caller() as made:
            held.usual = Reply(200, TAKEN[name])
            if reply is not None:
                held.replies.append(reply)
            return await chat(name, held.url).send(told(alert()), made), held.received

    verdict, received = asyncio.run(main())
    assert verdict.outcome == outcome
    assert len(received) == 1  # a redirect leads nowhere
    if reply is not None and reply.status in (429, 502):
        assert verdict.throttled
        assert verdict.after == (7.0 if reply.status == 429 else None)


@pytest.mark.parametrize("how", ["hang", "drop"])
@pytest.mark.parametrize("name", CHATS)
def test_who_does_not_answer_is_no_delivery(name, how):
    async def main():
        async with receiver() as held, caller(0.3) as made:
            held.replies.append(Reply(how=how))
            with pytest.raises(NoAnswer):
                await chat(name, held.url).send(told(alert()), made)

    asyncio.run(main())


@pytest.mark.parametrize("name", ["feishu", "dingtalk", "wecom"])
@pytest.mark.parametrize("body", [b"", b"ok", b"<html>Sign in to the Wi-Fi</html>", b"[]", b"{}", b'{"code":"x"}'])
def test_200_without_the_services_own_code_is_no_delivery(name, body):
    async def main():
        async with receiver() as held, caller() as made:
            held.usual = Reply(200, body)
            return await chat(name, held.url).send(told(alert()), made)

    assert asyncio.run(main()).outcome == "again"


@pytest.mark.parametrize(
    ("name", "number", "seconds"),
    [("slack", 1, 1), ("teams", 4, 1), ("feishu", 100, 60), ("feishu", 5, 1), ("dingtalk", 20, 60), ("wecom", 20, 60)],
)
def test_none_is_called_faster_than_it_allows(name, number, seconds):
    pace = CHATS[name].PACE
    assert pace.number * max(seconds // pace.seconds, 1) <= number
    assert pace.at_once == 1
