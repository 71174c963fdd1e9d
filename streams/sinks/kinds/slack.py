"""`type: slack`: a channel of Slack, by an incoming webhook.

What strangers have written stands in `plain_text` alone, where Slack looks for no markup, mention or link; `&`, `<` and
`>` are escaped everywhere, as Slack asks. `text` is what notifications show.
"""

from __future__ import annotations

from typing import Any, Final

from plan.sinks.kinds import SlackSink
from streams.sinks.http import Answer
from streams.sinks.kinds.chat import ChatKind
from streams.sinks.kinds.kind import Pace, Verdict
from streams.sinks.wording.cards import Card, Item
from streams.sinks.wording.plain import OPEN, OPEN_ALL, WHY

__all__ = ["Slack"]

_HEADER, _SECTION, _FALLBACK = 150, 3000, 3000  # characters that Slack takes

_GONE: Final = ("no_service", "no_active_hooks", "invalid_token", "no_team", "team_disabled", "channel_is_archived")
_REFUSED: Final = ("invalid_payload", "invalid_blocks", "invalid_blocks_format", "no_text", "msg_too_long")


class Slack(ChatKind[SlackSink]):
    """A channel. Slack takes one message a second of it."""

    PACE = Pace(1, 1.0, 1)
    LARGEST = 40_000

    def payload(self, card: Card) -> dict[str, Any]:
        blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(card.title, _HEADER)}]
        if card.lines:
            blocks.append({"type": "section", "text": _plain("\n".join(card.lines), _SECTION)})
        for item in card.items:
            blocks += self._item(card, item)
        if card.rest:
            blocks.append({"type": "section", "text": _plain(card.rest, _SECTION)})
        if card.url:
            blocks.append(_link(card.url, card.words.gettext(OPEN_ALL)))
        fallback = " · ".join((card.title, *card.lines, card.rest)).strip(" ·")
        return {"text": _escaped(fallback, _FALLBACK), "mrkdwn": False, "parse": "none", "link_names": False,
                "unfurl_links": False, "unfurl_media": False, "blocks": blocks}  # fmt: skip

    def judge(self, answer: Answer) -> Verdict:
        said = answer.text.strip()
        if answer.status >= 400 and said in _GONE:
            return Verdict("disabled", answer.status, said)
        if answer.status >= 400 and said in _REFUSED:
            return Verdict("refused", answer.status, said)
        return super().judge(answer)

    def _item(self, card: Card, item: Item) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = [{"type": "divider"}]
        fields = [_plain(f"{fact.name}: {fact.text}", 2000) for fact in item.facts[:10]]
        first: dict[str, Any] = {"type": "section", "fields": fields}
        if item.title:
            first["text"] = _plain(item.title, _SECTION)
        blocks.append(first)
        if item.reasons:
            why = [f"{card.words.gettext(WHY)}:", *(f"• {reason}" for reason in item.reasons)]
            blocks.append({"type": "section", "text": _plain("\n".join(why), _SECTION)})
        if item.url:
            blocks.append(_link(item.url, card.words.gettext(OPEN)))
        return blocks


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": _escaped(text, most), "emoji": False}


def _link(url: str, text: str) -> dict[str, Any]:
    """An address and a text of ours."""
    link = {"type": "mrkdwn", "text": f"<{_escaped(url, 2500)}|{text}>", "verbatim": True}
    return {"type": "context", "elements": [link]}


def _escaped(text: str, most: int) -> str:
    """As Slack wants it, of at most so many characters once it is escaped."""
    while len(escaped := text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")) > most:
        text = f"{text[: max(len(text) - 1 - max((len(escaped) - most) // 5, 1), 0)]}…"
    return escaped
