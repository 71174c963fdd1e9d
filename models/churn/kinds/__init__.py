"""The kinds of churn models, one file each, which declares all that is to be said about it as `KIND`.

A file that is put here is found: its model is in the panel, learns, is judged, shown and may become the champion.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from models.churn.model import Kind

__all__ = ["KINDS"]


def _found() -> dict[str, Kind]:
    kinds: list[Kind] = [import_module(f"{__name__}.{module.name}").KIND for module in iter_modules(__path__)]
    if sorted(kind.column for kind in kinds) != list(range(len(kinds))):
        raise ValueError("each kind of model has a column of its own, counted from 0 without a gap")
    return {kind.name: kind for kind in sorted(kinds, key=lambda kind: kind.column)}


KINDS = _found()
"""Every kind by its name, in the order of their columns."""
