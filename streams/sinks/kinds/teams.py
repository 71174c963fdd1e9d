"""`type: teams`: a channel or chat of Microsoft Teams, by a workflow that posts Adaptive Cards of its webhook.

What strangers have written stands in `TextRun`s alone, which know no Markdown; somebody is mentioned in Teams only by
an entity of the card, of which there is none.
"""

from __future__ import annotations

from typing import Any, Final

from plan.sinks.kinds import TeamsSink
from streams.sinks.http import Answer
from streams.sinks.kinds.chat import ChatKind
from streams.sinks.kinds.kind import Pace, Verdict
from streams.sinks.wording.cards import Card, Item
from streams.sinks.wording.plain import OPEN, OPEN_ALL, WHY

__all__ = ["Teams"]

_COLOURS: Final = {"critical": "Attention", "warning": "Warning", "info": "Default"}

_NOT_POSTED = "webhook message delivery failed"
"""With status 200, of what posts in place of a workflow."""


class Teams(ChatKind[TeamsSink]):
    """A channel or chat. Teams takes four messages a second, and cards of 28 kB."""

    PACE = Pace(4, 1.0, 1)
    LARGEST = 27_000

    def payload(self, card: Card) -> dict[str, Any]:
        body: list[dict[str, Any]] = [
            _text(card.title, size="Large", weight="Bolder", color=_COLOURS[card.level]),
            *(_text(line) for line in card.lines),
            *(self._item(card, item) for item in card.items),
        ]
        if card.rest:
            body.append({**_text(card.rest), "separator": True})
        content: dict[str, Any] = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "lang": card.words.language,
            "msteams": {"width": "Full"},
            "body": body,
        }
        if card.url:
            content["actions"] = [_link(card.url, card.words.gettext(OPEN_ALL))]
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
        return {"type": "message", "attachments": [attachment]}

    def judge(self, answer: Answer) -> Verdict:
        verdict = super().judge(answer)
        said = answer.text.lower()
        if verdict.outcome == "delivered" and _NOT_POSTED in said:
            return Verdict("again", answer.status, answer.text, throttled="429" in said)
        if answer.status == 413:
            return Verdict("refused", answer.status, answer.text)
        return verdict

    def _item(self, card: Card, item: Item) -> dict[str, Any]:
        items = [_text(item.title, weight="Bolder")] if item.title else []
        items += [_fact(fact.name, fact.text) for fact in item.facts]
        if item.reasons:
            items.append(_text(card.words.gettext(WHY), isSubtle=True))
            items += [_text(f"• {reason}") for reason in item.reasons]
        if item.url:
            items.append({"type": "ActionSet", "actions": [_link(item.url, card.words.gettext(OPEN))]})
        return {"type": "Container", "separator": True, "spacing": "Medium", "items": items}


def _text(text: str, **how: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **how}]}


def _fact(name: str, text: str) -> dict[str, Any]:
    runs = [{"type": "TextRun", "text": f"{name}: ", "isSubtle": True}, {"type": "TextRun", "text": text}]
    return {"type": "RichTextBlock", "spacing": "None", "inlines": runs}


def _link(url: str, title: str) -> dict[str, Any]:
    return {"type": "Action.OpenUrl", "title": title, "url": url}
