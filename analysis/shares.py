"""Shares that an analysis computes of its rows: their columns, and what stands in them."""

from __future__ import annotations

from analysis.declaration import Column, Text
from analysis.framing import Frame
from analysis.statistics import share

__all__ = ["of_whole", "share_columns"]


def share_columns(label: Text, name: str = "share") -> tuple[Column, ...]:
    """Columns of a share that `finish` computes, with the ends of its interval and what it is of (`of_whole` fills
    them)."""
    return (
        Column(name, label, "share", whole=f"{name}_of"),
        Column(f"{name}_low", Text("lowest", "下限"), "share", "note"),
        Column(f"{name}_high", Text("highest", "上限"), "share", "note"),
        Column(f"{name}_of", Text("of", "总数"), "customers", "note"),
    )


def of_whole(part: float, whole: float, frame: Frame, name: str = "share") -> dict[str, float | None]:
    """A share with its interval, as `share_columns` names them; None of fewer customers than may be shown."""
    if not whole or whole < frame.smallest:
        return {name: None, f"{name}_low": None, f"{name}_high": None, f"{name}_of": whole}
    low, high = share(part, whole, frame.confidence)
    return {name: part / whole, f"{name}_low": low, f"{name}_high": high, f"{name}_of": whole}
