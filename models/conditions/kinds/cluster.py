"""`cluster`: the learned segment whose centre is nearest."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from models.conditions.comparisons import Margin, chosen
from models.conditions.crossings import Paths
from models.conditions.kind import Kind
from models.conditions.ranks import NOWHERE, clearly, growing_silence, keeps
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer
from models.population.snapshot import NEAREST

__all__ = ["Cluster"]


def _id(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Cluster(Kind):
    """The customer is in a learned segment. Without a margin of its own it has that of all clusters, not the rule's."""

    key = "cluster"
    examples = ("{cluster: 2}", "{cluster: a, margin: 0.3}")

    cluster: Annotated[str, BeforeValidator(_id), Field(pattern=r"^[A-Za-z0-9_-]{1,16}$")]
    margin: Margin = None

    def clusters(self) -> bool:
        return True

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        near = writer.prepare(Cluster, lambda: f"limits[{writer.ranks.nearness()}](p, now)", True, NOWHERE)
        if slack == 0:
            return f"({near}[1] == {writer.bind(self.cluster)})"
        own = chosen(self.margin, NEAREST)
        return f"{writer.bind(keeps if slack > 0 else clearly)}({near}, {writer.bind(self.cluster)}, {own!r})"

    def foresee(self, paths: Paths, margin: float) -> None:
        paths.of_buyers(growing_silence)

    def in_words(self, say: Say = ENGLISH) -> str:
        return say("in learned cluster %(name)s", name=str(self.cluster))
