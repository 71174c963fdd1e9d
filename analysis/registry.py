"""Every analysis there is, by name: each file of the rooms declares one."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from analysis.declaration import Analysis
from profiles.errors import WrongUse

__all__ = ["ROOMS", "analyses", "analysis_named"]

ROOMS = ("growth", "keeping", "products", "service", "marketing", "money", "quality")
"""The groups that analyses are shown in, in this order; each is a folder of this package."""


@cache
def analyses() -> dict[str, Analysis[Any]]:
    """All of them, by room and file."""
    found: dict[str, Analysis[Any]] = {}
    for room in ROOMS:
        package = import_module(f"analysis.{room}")
        for module in sorted(iter_modules(package.__path__), key=lambda each: each.name):
            for value in vars(import_module(f"analysis.{room}.{module.name}")).values():
                if isinstance(value, Analysis):
                    found[value.name] = value
    return found


def analysis_named(name: str) -> Analysis[Any]:
    """The analysis of a name.

    Raises:
        WrongUse: there is none.
    """
    found = analyses().get(name)
    if found is None:
        raise WrongUse(f"there is no analysis {name!r}; there are {', '.join(analyses())}")
    return found
