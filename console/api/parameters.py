"""Query parameters: a request with one that its route does not have is refused.

Ignored, it would answer what nobody asked for: with `?q=Daan`, other people.
"""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel

from console.api.error_answers import ApiError

__all__ = ["known_parameters"]


async def known_parameters(request: Request) -> None:
    """A dependency of every route, which lets only the query parameters pass that the route declares.

    Raises:
        ApiError: 400, with the unknown ones and those that there are.
    """
    if not request.query_params:
        return
    declared = sorted(_declared(request.scope["route"].dependant))
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in declared]
    if unknown:
        there_are = f"there are {', '.join(declared)}" if declared else "this route has none"
        names = ", ".join(repr(name[:100]) for name in unknown[:10])
        raise ApiError(400, "invalid_request", f"unknown query parameter {names}; {there_are}")


def _declared(dependant: Dependant) -> set[str]:
    own = (names for field in dependant.query_params for names in _names(field))
    return set(own).union(*map(_declared, dependant.dependencies))


def _names(field: Any) -> list[str]:
    """Those of a parameter; of a model, those of its fields."""
    kind = field.field_info.annotation
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [inner.alias or name for name, inner in kind.model_fields.items()]
    return [field.alias]
