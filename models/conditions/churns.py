"""The score by a further definition of churn, where a condition or an alert asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from models.conditions.vocabulary import Vocabulary, suggest
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer
from profiles.types import Profile, Score

__all__ = ["reader", "risk_in_words", "score_in", "unknown"]


def reader(churn: str | None) -> Callable[[Profile], Score | None]:
    """Reads the score by a definition; None is the plan's own."""

    def read(profile: Profile) -> Score | None:
        if churn is None:
            return profile.score
        held = (profile.churns or {}).get(churn)
        return held.score if held is not None else None

    return read


def score_in(writer: Writer, churn: str | None) -> str:
    """The variable that holds it in what is written."""
    if churn is None:
        return "score"
    return writer.prepare(("churn", churn), lambda: f"{writer.bind(reader(churn))}(p)", buyers=False)


def risk_in_words(churn: str | None, say: Say = ENGLISH) -> str:
    """What it is called."""
    return say("churn risk") if churn is None else say("churn risk (%(name)s)", name=churn)


def unknown(churn: str | None, known: Vocabulary) -> Iterator[str]:
    """That a plan has no such definition."""
    if churn is not None and churn not in known.churns:
        yield f"churn is not defined as '{churn}'{suggest(churn, known.churns)}"
