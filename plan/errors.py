"""What is wrong with a plan: every problem at once, each with its place in the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from profiles.errors import WrongUse

__all__ = ["PlanError", "Problem"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `line` counts from 1; 0 stands for the file as a whole."""

    file: str
    line: int
    path: str  # events[3].properties.revenue.type; "" for the file as a whole
    message: str

    def __str__(self) -> str:
        """Print as `file:line: path: message`, which editors can jump to."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.path, self.message) if part)

    def as_dict(self) -> dict[str, str | int]:
        """For JSON."""
        return asdict(self)


class PlanError(WrongUse):
    """The plan cannot be used; `problems` holds every reason, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))
