"""A card as plain text: of a mail, of a chat that shows no more, of a notification."""

from __future__ import annotations

from collections.abc import Iterator

from streams.sinks.wording.cards import Card, Item

__all__ = ["OPEN", "OPEN_ALL", "WHY", "lines_of", "plain_text"]

OPEN, OPEN_ALL, WHY = "Open in the console", "All alerts in the console", "Why"
"""What links and reasons are called, in English."""


def plain_text(card: Card) -> str:
    """All of it but the title; parts are apart by an empty line."""
    parts = ["\n".join(card.lines)] if card.lines else []
    parts += ["\n".join(_item(card, item)) for item in card.items]
    if card.rest:
        parts.append(card.rest)
    if card.url:
        parts.append(f"{card.words.gettext(OPEN_ALL)}: {card.url}")
    return "\n\n".join(parts)


def lines_of(card: Card, item: Item) -> list[str]:
    """What a card says of an alert, a line each: its facts, and why."""
    lines = [f"{fact.name}: {fact.text}" for fact in item.facts]
    return [*lines, *(f"{card.words.gettext(WHY)}: {reason}" for reason in item.reasons)]


def _item(card: Card, item: Item) -> Iterator[str]:
    if item.title:
        yield item.title
    yield from lines_of(card, item)
    if item.url:
        yield f"{card.words.gettext(OPEN)}: {item.url}"
