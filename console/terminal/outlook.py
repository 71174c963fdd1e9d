"""What is to be expected of one customer, for a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from rich.text import Text

from console.terminal.figures import percent

__all__ = ["expected"]

_CURVE = 20
"""Width of the bars, characters."""


def expected(found: dict[str, Any] | None) -> list[RenderableType]:
    """The survival curve as bars, the next order, and what is at stake."""
    if not found:
        return []
    lines: list[RenderableType] = [Text(f"to be expected, by {found['model']}:", "dim")]
    for point in found["curve"][1:]:
        bar = "█" * round(point["here"] * _CURVE)
        lines.append(
            Text.assemble(f"  {point['weeks']:>3} weeks  ", (f"{bar:<{_CURVE}}", "cyan"),
                          f" {percent(point['here']):>4} still here, {percent(point['ordered']):>4} ordered")
        )  # fmt: skip
    if found["next_order"]:
        weeks = found["next_order"]
        lines.append(Text(f"  next order, if any: in {_interval(weeks, 1)} weeks"))
    lines.append(Text(f"  a year is worth {_interval(found['year'], 2)}; expected loss: {found['at_risk']:.2f}"))
    return lines


def _interval(found: dict[str, Any], decimals: int) -> str:
    low, middle, high = (f"{found[name]:.{decimals}f}" for name in ("low", "middle", "high"))
    return f"{middle} ({low} to {high})"
