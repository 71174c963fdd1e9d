"""Reading texts in their order: what each says is foretold by those before it, then learned from its own rating."""

from __future__ import annotations

import msgspec

from models.texts.grams import grams, language_of
from models.texts.sentiment import Sentiment, SentimentState, Tone
from models.texts.topics import Topics
from profiles.daily.noting import BAD, GOOD

__all__ = ["RATED", "WRITING", "ReaderState", "Reading", "TextReader", "rated"]

RATED = ("csat", "nps", "review")
"""Roles whose ratings teach: satisfied from `GOOD` on, dissatisfied up to `BAD`."""

WRITING = ("csat", "nps", "ces", "review", "ticket_opened", "ticket_reopened", "complaint", "inquiry",
           "subscription_cancel")  # fmt: skip
"""Roles whose texts are customers' own words."""

_LANGUAGES = 20  # that are learned, at most


class Reading(msgspec.Struct, frozen=True):
    """What a text says."""

    language: str
    tone: Tone  # "" cannot be told
    told_by: str  # rating, model; "" cannot be told
    chance: float | None  # of being satisfied, by the model before it learned from this text
    guess: Tone  # what the model says, whatever the rating is
    satisfied: bool | None  # by a rating that teaches
    topics: list[str]  # [""] for none


class ReaderState(msgspec.Struct):
    """What is kept of a reader: of each language."""

    languages: dict[str, SentimentState] = {}


def rated(role: str, rating: float | None) -> Tone | None:
    """What a rating says of the text it came with; None for no rating, or of another kind."""
    if rating is None or role not in RATED:
        return None
    if rating <= BAD[role]:
        return "negative"
    return "positive" if rating >= GOOD[role] else "middle"


class TextReader:
    """Reads texts in their order. The same ones in the same order are read alike, however often it is begun anew.

    Args:
        topics: that texts may have.
        state: to go on from.
    """

    def __init__(self, topics: Topics, state: ReaderState | None = None) -> None:
        self._topics = topics
        self._sentiments = {name: Sentiment(held) for name, held in (state or ReaderState()).languages.items()}

    @property
    def state(self) -> ReaderState:
        """To be kept."""
        return ReaderState({name: sentiment.state for name, sentiment in self._sentiments.items()})

    def read(
        self, text: str, *, role: str, rating: float | None, who: str, language: str = "", topic: str = "",
        teaches: bool = True,
    ) -> Reading:  # fmt: skip
        """What a text says.

        Args:
            text: what was written.
            role: of the event.
            rating: of the same event.
            who: wrote it.
            language: as the event has it.
            topic: as the event names it.
            teaches: whether anything may be learned from who wrote it.
        """
        spoken = language_of(text, language)
        pieces = grams(text)
        sentiment = self._sentiments.get(spoken)
        chance = sentiment.chance(pieces) if sentiment is not None else None
        guess: Tone = sentiment.says(pieces) if sentiment is not None else ""
        said = rated(role, rating)
        satisfied = {"positive": True, "negative": False}.get(said or "") if teaches else None
        if satisfied is not None:
            if sentiment is None and len(self._sentiments) < _LANGUAGES:
                sentiment = self._sentiments[spoken] = Sentiment()
            if sentiment is not None:
                sentiment.learn(pieces, satisfied=satisfied, who=who)
        tone = guess if said is None else said
        told_by = "rating" if said is not None else "model" if guess else ""
        return Reading(spoken, tone, told_by, chance, guess, satisfied, self._topics.of(text, topic))
