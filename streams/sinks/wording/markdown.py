"""A card as the Markdown that all services show: bold, links, lines. Only for cards made with `harmless.flat`."""

from __future__ import annotations

from collections.abc import Iterator

from streams.sinks.wording.cards import Card
from streams.sinks.wording.plain import OPEN, OPEN_ALL, lines_of

__all__ = ["blocks_of"]


def blocks_of(card: Card, end: str) -> Iterator[str]:
    """All of it but the title.

    Args:
        card: whose texts hold no markup.
        end: of a line, as the service wants it.
    """
    if card.lines:
        yield end.join(card.lines)
    for item in card.items:
        lines = [f"**{item.title}**"] if item.title else []
        lines += lines_of(card, item)
        if item.url:
            lines.append(f"[{card.words.gettext(OPEN)}]({item.url})")
        yield end.join(lines)
    if card.rest:
        yield card.rest
    if card.url:
        yield f"[{card.words.gettext(OPEN_ALL)}]({card.url})"
