"""A kind of condition: all that the rest of Rapport asks of one, so that a kind is one file in `kinds/`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import model_validator

from models.conditions.crossings import Paths
from models.conditions.spec import Spec
from models.conditions.vocabulary import Vocabulary, suggest
from models.conditions.where import Where
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer

__all__ = ["Kind"]

_NARROWING = "count, decayed, since, not_done and latest"


class Kind(Spec):
    """A statement about a profile at a time, as a plan writes it. Its fields are the keys in the plan."""

    key: ClassVar[str]
    """The key that tells this kind from the others in a plan."""

    examples: ClassVar[tuple[str, ...]]
    """As a plan writes them, with every way to use the kind: tests try them, and the guide shows the first."""

    @model_validator(mode="before")
    @classmethod
    def _narrows(cls, said: Any) -> Any:
        """Say what can be asked of a part of a role's events, where this cannot."""
        if isinstance(said, dict) and "where" in said and "where" not in cls.model_fields:
            raise ValueError(
                f"{cls.key} takes no where: of a part of a role's events a profile keeps how often and when they were, "
                f"not what they came to. {_NARROWING} take one, such as {{count: purchase, where: {{category: shoes}}, "
                "at_least: 3}"
            )
        return said

    @abstractmethod
    def write(self, writer: Writer, margin: float, slack: int) -> str:
        """The condition as a Python expression (`models.conditions.writer`).

        Args:
            writer: binds constants and prepares what conditions share.
            margin: the rule's, for measured values that set none of their own.
            slack: eases thresholds by their margin: 1 for who is inside, 0 for who is not, -1 inside under `not`.
        """

    @abstractmethod
    def in_words(self, say: Say = ENGLISH) -> str:
        """What it says, for people: `purchase at least 5 times`; in the messages that `say` translates."""

    def foresee(self, paths: Paths, margin: float) -> None:
        """Tell when time alone may turn the answer; nothing to tell of what only events and scores change.

        Too many times are harmless, a missing one is not; so thresholds count plain and eased by the margin either way.
        """

    def parts(self) -> Sequence[Kind]:
        """The conditions that this one joins."""
        return ()

    def roles(self) -> Sequence[str]:
        """The roles whose events it counts."""
        return ()

    def segments(self) -> Sequence[str]:
        """The segments it asks for."""
        return ()

    def measures(self) -> Collection[str]:
        """The measures (`models.population.measures`) whose quantiles it asks the population snapshot for."""
        return ()

    def clusters(self) -> bool:
        """Whether it asks the population snapshot for clusters."""
        return False

    def windows(self) -> Mapping[str, int]:
        """By role, or part of one, how many of the latest times a profile must keep for it."""
        return {}

    def narrowed(self) -> Sequence[tuple[str, Where]]:
        """The roles whose events it looks at only in part, and which part."""
        return ()

    def of_companies(self) -> bool:
        """Whether it can only be asked of companies."""
        return False

    def looks_at_risk(self, profiled: Collection[str]) -> bool:
        """Whether it depends on the churn risk, given the segments that do."""
        return any(name in profiled for name in self.segments())

    def problems(self, known: Vocabulary) -> Iterator[str]:
        """What is wrong with it in this plan, beyond its form."""
        for role in self.roles():
            if role not in known.roles:
                yield f"there is no role '{role}'{suggest(role, known.roles)}"
