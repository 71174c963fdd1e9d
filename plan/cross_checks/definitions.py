"""Further definitions of churn against the rest of the plan: can what speaks for or against them happen at all?"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from models.conditions.vocabulary import suggest
from models.config import ChurnConfig, EndsBy
from plan.model import ROLES
from plan.source_map import Location

__all__ = ["definition_problems", "definition_warnings"]

_START, _RENEW, _FEATURE = "subscription_start", "subscription_renew", "feature_use"


def definition_problems(churn: ChurnConfig) -> Iterator[tuple[Location, str]]:
    """What cannot be meant."""
    for index, definition in enumerate(churn.definitions):
        role = definition.ends_by.no
        if role is not None and role not in ROLES:
            yield ("churn", "definitions", index), f"there is no role '{role}'{suggest(role, ROLES)}"


def definition_warnings(churn: ChurnConfig, carried: Collection[str | None]) -> Iterator[tuple[Location, str]]:
    """What is allowed, but says nothing.

    Args:
        churn: of the plan.
        carried: the roles that events of the plan have.
    """
    for index, definition in enumerate(churn.definitions):
        for role in _needed(definition.ends_by):
            if role not in carried:
                yield (
                    ("churn", "definitions", index),
                    f"no event has the role '{role}', which {definition.name} goes by",
                )


def _needed(ends_by: EndsBy) -> list[str]:
    if ends_by.lasts:
        return [_START] if ends_by.period is None else [_START, _RENEW]
    asked = ends_by.disuse or (ends_by.no or "",)
    return sorted({name if name in ROLES else _FEATURE for name in asked})
