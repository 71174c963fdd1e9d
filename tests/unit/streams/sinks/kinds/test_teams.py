"""Teams: an Adaptive Card in runs of text that know no Markdown, and the answers of workflows."""

from __future__ import annotations

import asyncio
import json

import pytest
from pydantic import SecretStr

from plan.sinks.kinds import TeamsSink
from streams.sinks.kinds.teams import Teams
from tests.sinks import Reply, caller, receiver
from tests.told import URL, alert, hostile, told


def teams(url="https://prod-1.logic.azure.com/workflows/x/triggers/manual/paths/invoke"):
    return Teams("care", TeamsSink(type="teams"), {"URL": SecretStr(url)})


def card(*bodies, **more):
    (call,) = teams().requests(told(*bodies, **more))
    said = json.loads(call.body)
    (attachment,) = said["attachments"]
    assert said["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    return attachment["content"]


def parts(value):
    """Every part of a card with a type."""
    if isinstance(value, dict):
        yield from ([value] if "type" in value else [])
        value = list(value.values())
    for one in value if isinstance(value, list) else ():
        yield from parts(one)


def test_an_alert_is_an_adaptive_card():
    said = card(alert())
    assert (said["type"], said["version"], said["lang"]) == ("AdaptiveCard", "1.4", "en")
    head = said["body"][0]["inlines"][0]
    assert head["text"] == "New: Daan Weber 1: A customer worth keeping is likely to be lost"
    assert head["color"] == "Attention"
    links = {part["url"]: part["title"] for part in parts(said) if part["type"] == "Action.OpenUrl"}
    assert links == {f"{URL}/c/XYlwaH1": "Open in the console", f"{URL}/": "All alerts in the console"}


def test_strangers_write_in_runs_alone_and_nobody_is_mentioned():
    said = card(*(hostile(number) for number in range(1, 4)))
    assert {part["type"] for part in parts(said)} == {
        "AdaptiveCard", "RichTextBlock", "TextRun", "Container", "ActionSet", "Action.OpenUrl",
    }  # fmt: skip
    assert said["msteams"] == {"width": "Full"}
    assert all(set(part) <= {"type", "text", "size", "weight", "color", "isSubtle"}
               for part in parts(said) if part["type"] == "TextRun")  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "outcome", "throttled"),
    [
        (Reply(202, b""), "delivered", False),
        (Reply(200, b"1"), "delivered", False),
        (
            Reply(200, b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"),
            "again",
            True,
        ),
        (Reply(200, b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 403"),
         "again", False),
        (Reply(400, b'{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"The workflow is disabled"}}'),
         "again", False),
        (Reply(401, b'{"error":{"code":"DirectApiAuthorizationRequired"}}'), "again", False),
        (Reply(404, b'{"error":{"code":"WorkflowNotFound"}}'), "again", False),
        (Reply(413, b'{"error":{"code":"RequestEntityTooLarge"}}'), "refused", False),
        (Reply(429, b'{"error":{"code":"TooManyRequests"}}', {"retry-after": "12"}), "again", True),
    ],
)  # fmt: skip
def test_what_a_workflow_answers(reply, outcome, throttled):
    async def main():
        async with receiver() as held, caller() as made:
            held.replies.append(reply)
            return await teams(held.url).send(told(alert()), made)

    verdict = asyncio.run(main())
    assert (verdict.outcome, verdict.throttled) == (outcome, throttled)
    assert verdict.status == reply.status
