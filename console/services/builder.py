"""A segment as rows that people write: each one condition on one line of YAML, all or any of which must hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import yaml

from console.views.segments import PreviewRequest
from models.conditions.kinds import KINDS
from models.conditions.rules import SegmentRule
from models.conditions.tree import BY_KEY
from plan import Plan
from plan.source_map import SourceMap

__all__ = ["EXAMPLES", "Join", "Row", "Written", "rows_of", "write"]

Join = Literal["all", "any"]

_JOINS: tuple[Join, ...] = ("all", "any")
_JOINING = (*_JOINS, "not")

EXAMPLES: dict[str, str] = {kind.key: kind.examples[0] for kind in KINDS if kind.key not in _JOINING}
"""A condition of each kind, by its key: what a new row begins with."""

_LONGEST = 2000  # characters of a row
_LARGEST = 8 * _LONGEST  # …as JSON, in which one may take six


class Row(NamedTuple):
    """A condition as it was written, and what is wrong with it, if anything."""

    text: str
    problem: str


class Written(NamedTuple):
    """What somebody has written."""

    rows: list[Row]
    asked: PreviewRequest | None  # None while a row cannot be read, or there is none
    yaml: str  # as it would stand in a plan; "" likewise


def rows_of(rule: SegmentRule) -> tuple[Join, list[str]]:
    """The rows of a segment of the plan."""
    when: dict[str, Any] = rule.when.model_dump(mode="json", exclude_unset=True, by_alias=True)
    when = _ordered(when)
    for join in _JOINS:
        if list(when) == [join]:
            return join, [_line(part) for part in when[join]]
    return "all", [_line(when)]


def write(join: Join, texts: Sequence[str], name: str, plan: Plan) -> Written:
    """What rows come to together.

    Args:
        join: whether all must hold, or any.
        texts: the rows; empty ones are left out.
        name: of the segment that they shall replace; "" for a new one.
        plan: whose segments they may use.
    """
    rows: list[Row] = []
    conditions: list[dict[str, Any]] = []
    for text in filter(None, (text.strip() for text in texts)):
        condition, problem = _read(text)
        rows.append(Row(text, problem))
        if condition is not None:
            conditions.append(condition)
    if not rows or len(conditions) < len(rows):
        return Written(rows, None, "")
    when = conditions[0] if len(conditions) == 1 else {join: conditions}
    known = next((rule for rule in plan.segments if rule.name == name), None)
    about = {} if known is None or known.grain == "customer" else {"grain": known.grain}
    shown = {"name": name or "new_segment", **about, "when": when}
    asked = PreviewRequest(rule={**shown}, name=name or None, condition=None, others=None, cursor=None)
    return Written(rows, asked, yaml.safe_dump([shown], sort_keys=False, allow_unicode=True, width=100))


def _read(text: str) -> tuple[dict[str, Any] | None, str]:
    if len(text) > _LONGEST:
        return None, f"longer than {_LONGEST} characters"
    try:
        found = SourceMap(text if text.startswith("{") else "{" + text + "}").data
        plain = json.dumps(found)  # what a plan may say can be written so
    except yaml.YAMLError as error:
        return None, str(getattr(error, "problem", None) or "this is no YAML")
    except (ValueError, TypeError, RecursionError) as error:
        return None, f"this cannot be read: {error}"
    if len(plain) > _LARGEST:
        return None, f"longer than {_LONGEST} characters, with what aliases repeat"
    if not isinstance(found, dict) or not any(key in BY_KEY and value is not None for key, value in found.items()):
        return None, f"write one condition, such as {EXAMPLES['since']}"
    return found, ""


def _ordered(given: Any) -> Any:
    """A condition with what says its kind first, as people write it."""
    if isinstance(given, list):
        return [_ordered(each) for each in given]
    if not isinstance(given, dict):
        return given
    return {key: _ordered(value) for key, value in sorted(given.items(), key=lambda item: item[0] not in BY_KEY)}


def _line(condition: dict[str, Any]) -> str:
    return yaml.safe_dump(condition, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6).strip()
