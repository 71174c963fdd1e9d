"""The form of an analysis: a field for each of its parameters, and what was written into them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from analysis.declaration import Analysis
from analysis.parameters import Parameters

__all__ = ["Field", "fields_of", "read", "written"]


class Field(NamedTuple):
    """One field of a form."""

    name: str
    kind: str  # select, date, number, checkbox, text
    value: str
    choices: tuple[str, ...]
    help: str
    own: bool  # of this analysis, not of all


def fields_of(analysis: Analysis[Any], asked: Mapping[str, str], *, companies: bool) -> list[Field]:
    """The fields, those of the analysis itself first.

    Args:
        analysis: whose parameters they are.
        asked: what was written so far, by name.
        companies: whether the plan has any.
    """
    shared = Parameters.model_fields
    made = []
    for name, info in analysis.parameters.model_fields.items():
        if name in analysis.refused or (name in ("company", "grain") and not companies):
            continue
        kind, choices = _kind(info.annotation)
        default = "" if info.default is None or info.is_required() else written(info.default)
        made.append(
            Field(name, kind, asked.get(name, default), choices, info.description or "", own=name not in shared)
        )
    return sorted(made, key=lambda field: not field.own)


def read(kind: type[BaseModel], given: Iterable[tuple[str, str]]) -> tuple[Any, str]:
    """What was asked, and what is wrong with it: fields that were left empty are as if they were not there."""
    values: dict[str, Any] = {}
    for name, value in given:
        if value == "" or name not in kind.model_fields:
            continue
        if _is_list(kind.model_fields[name].annotation):
            values.setdefault(name, []).extend(part.strip() for part in value.split(",") if part.strip())
        else:
            values[name] = value
    try:
        return kind.model_validate(values), ""
    except ValidationError as error:
        told = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        return kind(), "; ".join(told)


def written(value: Any) -> str:
    """A value as a form holds it."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        return next(each for each in get_args(annotation) if each is not NoneType)
    return annotation


def _is_list(annotation: Any) -> bool:
    return get_origin(_plain(annotation)) in (list, tuple)


def _kind(annotation: Any) -> tuple[str, tuple[str, ...]]:
    plain = _plain(annotation)
    if get_origin(plain) is Literal:
        return "select", tuple(map(str, get_args(plain)))
    if plain is bool:
        return "select", ("true", "false")
    if plain in (int, float):
        return "number", ()
    return ("date" if plain is date else "text"), ()
