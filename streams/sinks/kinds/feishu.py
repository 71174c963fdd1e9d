"""`type: feishu`: a group of 飞书 or Lark, by a custom bot; which of the two, its address says.

Where the bot checks signatures, `SECRET` is what it shows, and the signature stands in the body beside its time. What
strangers have written stands in `plain_text` alone, where no tag mentions anybody.
"""

from __future__ import annotations

import base64
import hmac
from typing import Any, Final

from plan.sinks.kinds import FeishuSink
from streams.sinks.http import Answer
from streams.sinks.kinds.chat import CodedKind
from streams.sinks.kinds.kind import Pace, Told, Verdict
from streams.sinks.wording.cards import Card, Item
from streams.sinks.wording.plain import OPEN, OPEN_ALL, WHY

__all__ = ["Feishu", "sign"]

_COLOURS: Final = {"critical": "red", "warning": "orange", "info": "blue"}
_BAD_REQUEST = 9499
"""What cannot be read, and also what comes too fast: its text says which."""


class Feishu(CodedKind[FeishuSink]):
    """A group. A bot takes 100 messages a minute, 5 a second, of 20 kB."""

    variables = {"URL": True, "SECRET": False}  # noqa: RUF012  (the class's own)

    PACE = Pace(1, 0.65, 1)
    MOST = 8
    LARGEST = 20_000

    CODES = ("code", "StatusCode")
    GONE = frozenset({19001})  # no such webhook
    REFUSED = frozenset({19002, 11246, 230099, _BAD_REQUEST})  # parameters; the card
    BUSY = {11232: 60.0}  # noqa: RUF012  (the class's own)

    def payload(self, card: Card) -> dict[str, Any]:
        elements: list[dict[str, Any]] = [_text(line) for line in card.lines]
        for place, item in enumerate(card.items):
            if place or elements:
                elements.append({"tag": "hr"})
            elements += self._item(card, item)
        if card.rest:
            elements += [{"tag": "hr"}, _text(card.rest)]
        if card.url:
            elements.append(_link(card.url, card.words.gettext(OPEN_ALL), "default"))
        shown = {
            "config": {"wide_screen_mode": True},
            "header": {"title": _plain(card.title), "template": _COLOURS[card.level]},
            "elements": elements or [_text(card.title)],
        }
        return {"msg_type": "interactive", "card": shown}

    def proof(self, told: Told) -> dict[str, Any]:
        secret = self.secret("SECRET")
        return {"timestamp": str(int(told.now)), "sign": sign(secret, int(told.now))} if secret else {}

    def judge(self, answer: Answer) -> Verdict:
        said = answer.text.lower()
        if self.code_of(answer) == _BAD_REQUEST and ("too many" in said or "frequency" in said):
            return Verdict("again", answer.status, answer.text, self.BUSY[11232], throttled=True)
        return super().judge(answer)

    def _item(self, card: Card, item: Item) -> list[dict[str, Any]]:
        elements = [_text(item.title)] if item.title else []
        fields = [{"is_short": len(fact.text) < 40, "text": _plain(f"{fact.name}: {fact.text}")} for fact in item.facts]
        elements.append({"tag": "div", "fields": fields})
        if item.reasons:
            elements.append(_text("\n".join((f"{card.words.gettext(WHY)}:", *(f"• {one}" for one in item.reasons)))))
        if item.url:
            elements.append(_link(item.url, card.words.gettext(OPEN), "primary"))
        return elements


def sign(secret: str, timestamp: int) -> str:
    """The signature of a time in seconds: of an empty text, under a key made of both."""
    return base64.b64encode(hmac.digest(f"{timestamp}\n{secret}".encode(), b"", "sha256")).decode()


def _plain(text: str) -> dict[str, Any]:
    return {"tag": "plain_text", "content": text}


def _text(text: str) -> dict[str, Any]:
    return {"tag": "div", "text": _plain(text)}


def _link(url: str, text: str, look: str) -> dict[str, Any]:
    return {"tag": "action", "actions": [{"tag": "button", "text": _plain(text), "url": url, "type": look}]}
