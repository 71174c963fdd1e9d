"""`type: dingtalk`: a group of 钉钉, by a custom bot, as Markdown.

Where the bot checks signatures, `SECRET` is what it shows (SEC…), and time and signature stand in the query. Signs of
Markdown of strangers become wide ones, and nobody is named in `at`, by which alone the service mentions.
"""

from __future__ import annotations

import base64
import hmac
from typing import Any
from urllib.parse import quote

from plan.sinks.kinds import DingTalkSink
from streams.sinks.kinds.chat import CodedKind
from streams.sinks.kinds.kind import Pace, Told
from streams.sinks.wording.cards import Card
from streams.sinks.wording.harmless import flat
from streams.sinks.wording.markdown import blocks_of

__all__ = ["DingTalk", "sign"]

_BLOCKED = 600.0  # seconds for which who came too fast is not heard


class DingTalk(CodedKind[DingTalkSink]):
    """A group. A bot takes 20 messages a minute, and who sends more is not heard for ten minutes; of 20,000 bytes."""

    variables = {"URL": True, "SECRET": False}  # noqa: RUF012  (the class's own)

    PACE = Pace(1, 3.2, 1)
    LARGEST = 20_000

    CODES = ("errcode",)
    GONE = frozenset({300001, 300005, 400013, 400101, 400102, 400106})  # no such token; bot or group gone, bot stopped
    REFUSED = frozenset({40035, 400105, 430101, 430102, 430103, 430104, 460101})  # parameters, type; what it says; size
    BUSY = {130101: _BLOCKED, 410100: _BLOCKED}  # noqa: RUF012  (the class's own)

    def clean(self, text: str, most: int) -> str:
        return flat(text, most)

    def payload(self, card: Card) -> dict[str, Any]:
        text = "\n\n".join((f"### {card.title}", *blocks_of(card, "\n\n")))
        at = {"atMobiles": [], "atUserIds": [], "isAtAll": False}
        return {"msgtype": "markdown", "markdown": {"title": card.title, "text": text}, "at": at}

    def url(self, told: Told) -> str:
        secret, url = self.secret("SECRET"), self.secret("URL")
        if not secret:
            return url
        timestamp = int(told.now * 1000)
        proof = f"timestamp={timestamp}&sign={quote(sign(secret, timestamp), safe='')}"
        return f"{url}{'&' if '?' in url else '?'}{proof}"


def sign(secret: str, timestamp: int) -> str:
    """The signature of a time in milliseconds, under the secret."""
    return base64.b64encode(hmac.digest(secret.encode(), f"{timestamp}\n{secret}".encode(), "sha256")).decode()
