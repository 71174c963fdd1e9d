"""`type: wecom`: a group of 企业微信, by a bot, as Markdown of at most 4,096 bytes.

The service reads `<@somebody>` in Markdown as a mention, so the angle brackets of strangers become wide ones, with all
other signs of markup.
"""

from __future__ import annotations

from typing import Any

from plan.sinks.kinds import WeComSink
from streams.sinks.kinds.chat import CodedKind
from streams.sinks.kinds.kind import Pace
from streams.sinks.wording.cards import Card
from streams.sinks.wording.harmless import flat
from streams.sinks.wording.markdown import blocks_of

__all__ = ["WeCom"]


class WeCom(CodedKind[WeComSink]):
    """A group. A bot takes 20 messages a minute."""

    PACE = Pace(1, 3.2, 1)
    LARGEST = 4096

    CODES = ("errcode",)
    GONE = frozenset({93000})  # no such webhook
    REFUSED = frozenset({40008, 40058, 45002, 44004})  # type, parameters, too long, empty
    BUSY = {45009: 60.0, 45033: 60.0}  # noqa: RUF012  (the class's own)

    def clean(self, text: str, most: int) -> str:
        return flat(text, most)

    def payload(self, card: Card) -> dict[str, Any]:
        content = "\n\n".join((f"**{card.title}**", *blocks_of(card, "\n")))
        return {"msgtype": "markdown", "markdown": {"content": content}}

    def size(self, payload: dict[str, Any], body: bytes) -> int:
        return len(payload["markdown"]["content"].encode())
