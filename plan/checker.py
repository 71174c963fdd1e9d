"""Checking one object of an event, and doing what the plan says about what is wrong."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

import jsonschema_rs

from plan.model import Enforce, Extra, Property
from plan.schema import json_schema
from plan.violations import Path, Violation, violations_of

__all__ = ["Checker", "Outcome"]


class Outcome(NamedTuple):
    """What enforcing a rule gives: what goes on, what was wrong, and whether the event goes on at all."""

    properties: dict[str, Any]
    violations: list[Violation]
    accepted: bool


class Checker:
    """Checks and enforces one object of an event: its properties or its traits.

    Args:
        where: how paths begin, `properties` or `traits`.
        properties: what is planned.
        enforce: what a violation does: the event is rejected, goes on flagged, or loses the offending values.
        extra: what properties that are not planned do.
    """

    __slots__ = ("_is_valid", "enforce", "extra", "properties", "schema", "validator", "where")

    def __init__(
        self, where: str, properties: Mapping[str, Property], enforce: Enforce, extra: Extra = "allow"
    ) -> None:
        self.where = where
        self.properties = properties
        self.enforce: Enforce = enforce
        self.extra: Extra = extra
        self.schema = json_schema(properties, extra)
        # A linear-time regex engine: a plan's pattern can never be made to hang a worker.
        self.validator = jsonschema_rs.Draft202012Validator(
            self.schema, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions(), offline=True
        )
        self._is_valid = self.validator.is_valid

    def check(self, value: Any) -> list[Violation]:
        """Every violation; quick (no list is built) when there is none."""
        return [] if self._is_valid(value) else [v for _, v in self._errors(value)]

    def enforce_on(self, value: Any) -> Outcome:
        """Check, and do what the plan says about what is wrong. The argument is not changed."""
        if self._is_valid(value):
            return Outcome(value, [], True)
        errors = self._errors(value)
        violations = [violation for _, violation in errors]
        extras = [path for path, violation in errors if violation.kind == "extra"]
        others = len(extras) < len(errors)
        if not isinstance(value, dict):
            return Outcome({}, violations, self.enforce != "reject")
        if (others and self.enforce == "reject") or (extras and self.extra == "reject"):
            return Outcome(value, violations, False)
        kept = value
        if extras and self.extra == "drop":
            kept = _without(kept, extras)
        if others and self.enforce == "drop_property":
            kept = self._repaired(kept)
        return Outcome(kept, violations, True)

    def _errors(self, value: Any) -> list[tuple[Path, Violation]]:
        return [found for error in self.validator.iter_errors(value) for found in violations_of(error, self.where)]

    def _repaired(self, value: dict[str, Any]) -> dict[str, Any]:
        """Without offending values; where a nested required one is missing, without what lacks it."""
        while True:
            offending = [
                path[:-1] if violation.kind == "required" else path
                for path, violation in self._errors(value)
                # A missing top-level property, also one just dropped, has nothing to drop: it stays a flag.
                if violation.kind != "extra" and (violation.kind != "required" or len(path) > 1)
            ]
            if not offending:
                return value
            value = _without(value, offending)


def _without(value: dict[str, Any], paths: list[Path]) -> dict[str, Any]:
    """A deep copy without the values at these paths; list items are taken from the end, so that indices hold."""
    result = copy.deepcopy(value)
    for path in sorted(set(paths), key=lambda p: tuple((isinstance(x, str), x) for x in p), reverse=True):
        node: Any = result
        for part in path[:-1]:
            node = node[part]
        del node[path[-1]]
    return result
