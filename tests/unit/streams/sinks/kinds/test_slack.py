"""Slack: blocks as Slack takes them, escaped as it asks, and its answers: a word of text with a status."""

from __future__ import annotations

import asyncio
import json

import pytest
from pydantic import SecretStr

from plan.sinks.kinds import SlackSink
from streams.sinks.http import NoAnswer
from streams.sinks.kinds.slack import Slack
from tests.sinks import Reply, caller, receiver
from tests.told import HOSTILE, URL, alert, digest, hostile, text_of, told


def slack(url="https://hooks.slack.com/services/T/B/x", **spec):
    return Slack("care", SlackSink(type="slack", **spec), {"URL": SecretStr(url)})


def payload(*bodies, **more):
    (call,) = slack().requests(told(*bodies, **more))
    assert call.url == "https://hooks.slack.com/services/T/B/x"
    return json.loads(call.body)


def test_an_alert_is_a_header_its_facts_why_and_where():
    said = payload(alert())
    header, _, facts, why, link, everything = said["blocks"]
    assert header["text"]["text"] == "New: Daan Weber 1: A customer worth keeping is likely to be lost"
    assert [field["text"] for field in facts["fields"]][1:4] == [
        "Stage: at risk", "Risk: 81% (high), before 64%", "Value at risk: €658.04",
    ]  # fmt: skip
    assert why["text"]["text"].splitlines()[1:] == [
        "• Last order 65 days ago, usually every 9 days", "• 2 complaints, the last yesterday",
    ]  # fmt: skip
    assert link["elements"][0]["text"] == f"<{URL}/c/XYlwaH1|Open in the console>"
    assert everything["elements"][0]["text"] == f"<{URL}/|All alerts in the console>"
    assert said["text"] == header["text"]["text"]


@pytest.mark.parametrize(
    "bodies",
    [[hostile()], [hostile(number) for number in range(1, 40)], [alert(n) for n in range(1, 40)],
     [digest(*(hostile(number) for number in range(1, 21)))], [hostile(1, "&<>" * 40_000)]],
)  # fmt: skip
def test_it_is_within_what_slack_takes_and_strangers_write_plain_text_alone(bodies):
    said = payload(*bodies)
    assert len(said["blocks"]) <= 50
    assert len(json.dumps(said, ensure_ascii=False).encode()) <= 40_000
    texts = []

    def look(value):
        if isinstance(value, list):
            for one in value:
                look(one)
        elif isinstance(value, dict):
            if value.get("type") in ("plain_text", "mrkdwn"):
                texts.append(value)
            for one in value.values():
                look(one)

    look(said["blocks"])
    assert all(text["text"] for text in texts)
    for block in said["blocks"]:
        assert len(block.get("fields", ())) <= 10
        if block["type"] == "header":
            assert len(block["text"]["text"]) <= 150
    ours = [text["text"] for text in texts if text["type"] == "mrkdwn"]
    assert all(text["verbatim"] for text in texts if text["type"] == "mrkdwn")
    assert {text.partition("|")[2] for text in ours} <= {"Open in the console>", "All alerts in the console>"}
    assert all(text["emoji"] is False for text in texts if text["type"] == "plain_text")
    for text in (said["text"], *(text["text"] for text in texts if text["type"] == "plain_text")):
        assert len(text) <= 3000
        assert not set("<>@") & set(text)
        assert "&" not in text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert (said["parse"], said["link_names"], said["mrkdwn"]) == ("none", False, False)


def test_the_hostile_text_is_there_as_text():
    said = text_of(payload(hostile()))
    assert "&lt;!channel&gt; &lt;!here&gt; &lt;＠U024BE7LH&gt;" in said
    assert "*bold* _it_" in said
    assert HOSTILE not in said


@pytest.mark.parametrize(
    ("reply", "outcome", "after", "throttled"),
    [
        (Reply(200, b"ok"), "delivered", None, False),
        (Reply(429, b"rate_limited", {"retry-after": "30"}), "again", 30.0, True),
        (Reply(400, b"invalid_payload"), "refused", None, False),
        (Reply(400, b"user_not_found"), "again", None, False),
        (Reply(403, b"action_prohibited"), "again", None, False),
        (Reply(404, b"no_service"), "disabled", None, False),
        (Reply(403, b"invalid_token"), "disabled", None, False),
        (Reply(410, b"channel_is_archived"), "disabled", None, False),
        (Reply(410, b""), "disabled", None, False),
        (Reply(404, b"<html>not found</html>"), "again", None, False),
        (Reply(301, b"", {"location": "https://elsewhere.example"}), "again", None, False),
        (Reply(500, b"rollup_error"), "again", None, False),
        (Reply(503, b""), "again", None, True),
    ],
)
def test_what_slack_answers(reply, outcome, after, throttled):
    async def main():
        async with receiver() as held, caller() as made:
            held.replies.append(reply)
            verdict = await slack(f"{held.url}/services/T/B/x").send(told(alert()), made)
            return verdict, held.received

    verdict, (got,) = asyncio.run(main())
    assert (verdict.outcome, verdict.after, verdict.throttled) == (outcome, after, throttled)
    assert (got.method, got.path) == ("POST", "/services/T/B/x")
    assert got.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("how", ["hang", "drop"])
def test_who_does_not_answer_is_asked_again(how):
    async def main():
        async with receiver() as held, caller(0.3) as made:
            held.replies.append(Reply(how=how))
            with pytest.raises(NoAnswer):
                await slack(held.url).send(told(alert()), made)
            assert (await slack(held.url).send(told(alert()), made)).outcome == "delivered"
            return [got.body for got in held.received]

    first, second = asyncio.run(main())
    assert first == second


def test_one_message_a_second():
    assert Slack.PACE == (1, 1.0, 1)
