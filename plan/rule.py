"""One planned event, compiled: what the pipeline calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from plan.checking.checker import Checker, Outcome
from plan.checking.showing import compile_shown
from plan.checking.violations import Violation
from plan.facts import Facts, compile_facts
from plan.model import EventSpec, Property

__all__ = ["EventRule"]


class EventRule:
    """One planned event, compiled. See `plan.model.EventSpec` for what the words mean."""

    __slots__ = (
        "_facts", "_planned", "checker", "description", "enforce", "is_valid", "name", "owner", "pii", "role", "schema",
        "shown", "sources", "spec", "type", "validator", "where", "why",
    )  # fmt: skip

    def __init__(self, spec: EventSpec, checker: Checker, currency: str, *, planned: bool = True) -> None:
        self.spec = spec
        self.name = spec.name
        self.type = spec.type
        self.sources = tuple(spec.sources)
        self.owner = spec.owner
        self.description = spec.description
        self.why = spec.why
        self.role: str = spec.role or ""
        self.checker = checker
        self.enforce = checker.enforce
        self.schema = checker.schema
        self.validator = checker.validator
        self.where = checker.where
        self.pii = dict(_pii(checker.properties, ""))
        self._facts = compile_facts(spec, currency)
        self.shown = compile_shown(spec, currency)  # what timelines tell of its properties; None for nothing
        self._planned = planned
        # Whether a payload goes on as it is: so most do, and `enforce_on` need not be asked.
        self.is_valid: Callable[[Any], bool] = checker.validator.is_valid if planned else _never

    def payload(self, event: Mapping[str, Any]) -> Any:
        """What of a raw event this rule is about: its properties, or its traits for identify and group.

        An identify call without traits means its `context.traits`: some SDKs put them only there. Beside others they
        are what an SDK remembers, perhaps of the user before. Absent and null are `{}`.
        """
        if self.where == "properties":
            found = event.get("properties")
        else:
            found = event.get("traits")
            if self.type == "identify" and isinstance(context := event.get("context"), dict):
                more = context.get("traits")
                if isinstance(more, dict) and (found is None or found == {}):
                    return more
        return {} if found is None else found

    def check(self, properties: Any) -> list[Violation]:
        """Every violation of a payload."""
        return self.enforce_on(properties).violations if not self._planned else self.checker.check(properties)

    def enforce_on(self, properties: Any) -> Outcome:
        """Check a payload and do what the plan says: what the pipeline's check step does."""
        if self._planned:
            return self.checker.enforce_on(properties)
        unplanned = Violation("event", "is not in the plan", "unplanned")
        return Outcome(properties if isinstance(properties, dict) else {}, [unplanned], True)

    def facts(self, properties: dict[str, Any]) -> Facts:
        """The neutral facts of an event. Never raises: what is not of its type counts as absent."""
        return self._facts(properties)


def _never(payload: Any) -> bool:
    return False


def _pii(properties: Mapping[str, Property], before: str) -> list[tuple[str, str]]:
    """(path, class) of every personal value."""
    found: list[tuple[str, str]] = []
    for name, prop in properties.items():
        path = f"{before}{name}"
        if prop.pii != "none":
            found.append((path, prop.pii))
        if prop.properties:
            found += _pii(prop.properties, f"{path}.")
        if prop.items is not None:
            found += _pii({"[]": prop.items}, path)
    return found
