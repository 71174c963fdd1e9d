"""What rooms of chats have in common: one request with a card as JSON, made to fit what the service takes.

Some services answer 200 whatever they think of a message, and say in a code of their own whether they took it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import orjson

from plan.sinks.sink import TalkingSink
from streams.sinks.http import Answer, Call
from streams.sinks.kinds.kind import HttpKind, Told, Verdict
from streams.sinks.retry_after import wait_of
from streams.sinks.wording.cards import Card, card_of
from streams.sinks.wording.harmless import harmless

__all__ = ["ChatKind", "CodedKind"]

Spec = TypeVar("Spec", bound=TalkingSink)
Payload = dict[str, Any]


class ChatKind(HttpKind[Spec]):
    """A room, by the address of a webhook that somebody made in it."""

    MOST: ClassVar[int] = 10
    """Alerts that are named."""

    LARGEST: ClassVar[int] = 20_000
    """Bytes of a body that the service takes."""

    def requests(self, told: Told) -> Sequence[Call]:
        body = b""
        for card in self._cards(told):
            payload = self.payload(card)
            body = orjson.dumps({**self.proof(told), **payload})
            if self.size(payload, body) <= self.LARGEST:
                break
        return [Call(self.url(told), body, {"content-type": "application/json; charset=utf-8"})]

    @abstractmethod
    def payload(self, card: Card) -> Payload:
        """The card as the service wants it."""

    def clean(self, text: str, most: int) -> str:
        """Text of strangers made harmless."""
        return harmless(text, most)

    def proof(self, told: Told) -> Payload:
        """What of the body proves that it comes from us."""
        return {}

    def url(self, told: Told) -> str:
        """Where an attempt goes."""
        return self.secret("URL")

    def size(self, payload: Payload, body: bytes) -> int:
        """What `LARGEST` is compared with."""
        return len(body)

    def _cards(self, told: Told) -> Iterator[Card]:
        """Ever smaller: with fewer alerts named, with facts alone, with a number of them."""
        card = card_of(told, self.MOST, zone=self.spec.timezone, clean=self.clean)
        yield card
        for most in range(len(card.items) - 1, 0, -1):
            card = card_of(told, most, zone=self.spec.timezone, clean=self.clean)
            yield card
        yield card._replace(items=[item._replace(reasons=[], facts=item.facts[:4]) for item in card.items])
        yield card_of(told, 0, zone=self.spec.timezone, clean=self.clean)


class CodedKind(ChatKind[Spec]):
    """A service that answers 200 also to what it refuses, and says so in a code."""

    CODES: ClassVar[Sequence[str]]
    """Fields of an answer that may have the code."""

    GONE: ClassVar[frozenset[int]] = frozenset()
    """The room or its webhook is there no more."""

    REFUSED: ClassVar[frozenset[int]] = frozenset()
    """This message is not wanted, however often it comes."""

    BUSY: ClassVar[Mapping[int, float]] = {}
    """Too much at once: seconds to wait, by code."""

    def judge(self, answer: Answer) -> Verdict:
        status, text = answer.status, answer.text
        code = self.code_of(answer)
        if code is None:
            verdict = super().judge(answer)
            return Verdict("again", status, text) if verdict.outcome == "delivered" else verdict
        if code == 0:
            return super().judge(answer)
        if code in self.GONE:
            return Verdict("disabled", status, text)
        if code in self.REFUSED:
            return Verdict("refused", status, text)
        wait = self.BUSY.get(code)
        asked = wait_of(answer)
        return Verdict("again", status, text, asked if asked is not None else wait, throttled=wait is not None)

    def code_of(self, answer: Answer) -> int | None:
        """What the service says; None if this is no answer of it."""
        try:
            held = orjson.loads(answer.text)
        except orjson.JSONDecodeError:
            return None
        found = (held.get(name) for name in self.CODES) if isinstance(held, dict) else ()
        return next((code for code in found if isinstance(code, int)), None)
