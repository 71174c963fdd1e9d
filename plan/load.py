"""Reading `tracking_plan.yaml`: all problems at once, each with its file, line and path."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from models.cases.routes import Route
from models.conditions.rules import AlertRule, SegmentRule
from models.conditions.tree import Condition
from models.config import ChurnConfig
from models.segments.builtin import BUILTIN
from plan.analyses import AnalysesSpec
from plan.analysing.catalogue import read_catalogue
from plan.errors import PlanError, Problem
from plan.model import ConsentSpec, EventSpec, GroupSpec, PlanFile, SourceSpec, Trait, WebhookSpec
from plan.plan import Plan
from plan.semantics import Parts, Remark, find_problems, find_warnings
from plan.sinks.audience_table import AudiencesSpec
from plan.sinks.kinds import AnySink
from plan.source_map import Location, SourceMap, format_path
from profiles.consent import PURPOSES
from profiles.identity.extract import IdentityRule
from profiles.identity.secrets import LEAST

__all__ = [
    "PII_KEY",
    "USER_ID_KEY",
    "load_plan",
    "parse_plan",
    "parse_segment",
    "webhook_variable",
    "write_key_variable",
]

PII_KEY = "RAPPORT_PII_KEY"
"""The environment variable with the key of hashed identities."""

USER_ID_KEY = "RAPPORT_USER_ID_KEY"
"""The environment variable with the key of signed user ids."""


def load_plan(path: str | Path, environ: Mapping[str, str] | None = None) -> Plan:
    """Read, check and compile a tracking plan.

    Args:
        path: the YAML file.
        environ: where RAPPORT_WRITE_KEY_<SOURCE> may override write keys, and RAPPORT_PII_KEY and
            RAPPORT_USER_ID_KEY are looked for; the process's environment if None.

    Raises:
        PlanError: the file cannot be read, is not YAML, or is not a plan, its catalogue cannot be read or a key is too
            short; lists every problem.
    """
    name = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PlanError(
            [Problem(name, 0, "", "there is no such file; give the tracking plan's path or set RAPPORT_PLAN")]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError([Problem(name, 0, "", f"cannot be read: {error}")]) from error
    plan = parse_plan(text, name, os.environ if environ is None else environ)
    if plan.file.catalogue:
        plan.products = read_catalogue(Path(path).parent / plan.file.catalogue, plan.currency)
    return plan


def parse_plan(text: str, name: str, environ: Mapping[str, str]) -> Plan:
    """`load_plan` on text that is already read; `name` is what problems call the file."""
    source = _read(text, name)
    data = source.data
    if not isinstance(data, dict):
        raise PlanError([Problem(name, 1, "", "is not a tracking plan: a mapping with sources, events… is needed")])
    problems = [
        Problem(name, line, format_path(path), "is given twice; the last one would win")
        for path, line in source.repeated
    ]
    pii_key, user_id_key = environ.get(PII_KEY, ""), environ.get(USER_ID_KEY, "")
    problems += [
        Problem(name, 0, "", f"{variable} has fewer than {LEAST} characters; `openssl rand -hex 32`")
        for variable, key in ((PII_KEY, pii_key), (USER_ID_KEY, user_id_key))
        if 0 < len(key) < LEAST
    ]
    _override_keys(data, environ)
    stated = _take_secrets(data, environ)

    def problem(location: Location, message: str) -> Problem:
        line, path = source.locate(location)
        return Problem(name, line, format_path(path), message)

    problems += [
        problem(("webhooks", name, "secret"), f"does not stand in a plan; set {webhook_variable(name)}")
        for name in stated
    ]
    file: PlanFile | None = None
    try:
        file = PlanFile.model_validate(data)
    except ValidationError as error:
        problems += [problem(*_remark(details)) for details in error.errors(include_input=False)]
    parts = _parts(data)
    problems += [problem(*remark) for remark in find_problems(parts)]
    if problems or file is None:
        raise PlanError(sorted(set(problems), key=lambda p: (p.line, p.path, p.message)))
    warnings = [problem(*remark) for remark in find_warnings(parts)]
    if file.verify_user_ids != "off" and not user_id_key:
        message = f"{USER_ID_KEY} is not set here; without it no worker starts, as no user id could be verified"
        warnings.append(problem(("verify_user_ids",), message))
    return Plan(file, warnings, pii_key.encode() or None, user_id_key.encode() or None)


def parse_segment(text: str, name: str, segment: str) -> SegmentRule:
    """A segment that is not in a plan yet: its rule, or its condition alone, as a plan has it.

    Args:
        text: YAML (or JSON) of either.
        name: what problems call the text.
        segment: name of the segment, where the text is a condition.

    Raises:
        PlanError: it is neither; lists every problem.
    """
    source = _read(text, name)
    try:
        if isinstance(source.data, dict) and "when" in source.data:
            return SegmentRule.model_validate({"name": segment, **source.data})
        return SegmentRule(name=segment, when=_CONDITION.validate_python(source.data))
    except ValidationError as error:
        problems = []
        for details in error.errors(include_input=False):
            location, message = _remark(details)
            line, path = source.locate(location)
            problems.append(Problem(name, line, format_path(path), message))
        raise PlanError(problems) from None


_CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)


def write_key_variable(source: str) -> str:
    """The environment variable that overrides a source's write key: RAPPORT_WRITE_KEY_WEB."""
    return f"RAPPORT_WRITE_KEY_{re.sub(r'[^A-Z0-9]', '_', source.upper())}"


def webhook_variable(name: str) -> str:
    """The environment variable of a webhook's secret: RAPPORT_WEBHOOK_STRIPE_SECRET."""
    return f"RAPPORT_WEBHOOK_{name.upper()}_SECRET"


def _take_secrets(data: dict[Any, Any], environ: Mapping[str, str]) -> list[str]:
    """Give webhooks their secrets; answer those for which the plan itself says one."""
    webhooks = data.get("webhooks")
    stated = []
    for name, spec in webhooks.items() if isinstance(webhooks, dict) else ():
        if isinstance(spec, dict):
            if spec.pop("secret", None) is not None:
                stated.append(str(name))
            if secret := environ.get(webhook_variable(str(name))):
                spec["secret"] = secret
    return stated


def _override_keys(data: dict[Any, Any], environ: Mapping[str, str]) -> None:
    sources = data.get("sources")
    for source, spec in sources.items() if isinstance(sources, dict) else ():
        if isinstance(spec, dict) and (key := environ.get(write_key_variable(str(source)))):
            spec["write_key"] = key


def _read(text: str, name: str) -> SourceMap:
    try:
        return SourceMap(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        problem = Problem(name, mark.line + 1 if mark else 0, "", f"is not valid YAML: {what}")
    except (ValueError, RecursionError) as error:
        problem = Problem(name, 0, "", f"is not YAML that can be read: {error}")
    raise PlanError([problem])


def _remark(details: ErrorDetails) -> Remark:
    """A pydantic error in the words of a plan."""
    message = details["msg"].removeprefix("Value error, ")
    location: list[str | int] = list(details["loc"])
    match details["type"]:
        case "missing":
            message = "is required"
            if location[:1] == ["sources"] and location[-1:] == ["write_key"]:
                message += f"; set it here or in {write_key_variable(str(location[1]))}"
        case "extra_forbidden":
            message = "is not a known key"
    return location, message[0].lower() + message[1:]


_SECTIONS: dict[str, TypeAdapter[Any]] = {
    "sources": TypeAdapter(SourceSpec),
    "identities": TypeAdapter(IdentityRule),
    "traits": TypeAdapter(Trait),
    "groups": TypeAdapter(GroupSpec),
    "consent": TypeAdapter(ConsentSpec),
    "events": TypeAdapter(EventSpec),
    "segments": TypeAdapter(SegmentRule),
    "alerts": TypeAdapter(AlertRule),
    "routes": TypeAdapter(Route),
    "sinks": TypeAdapter(AnySink),
    "webhooks": TypeAdapter(WebhookSpec),
}


def _parts(data: dict[Any, Any]) -> Parts:
    """Each element that is right on its own, and the names that all of them declare."""
    parts = Parts()
    for section, adapter in _SECTIONS.items():
        into = getattr(parts, section)
        for key, value in _elements(data.get(section)):
            try:
                into[key] = adapter.validate_python(value)
            except ValidationError:
                continue  # reported with the whole file
    try:
        parts.churn = ChurnConfig.model_validate(data.get("churn", {}))
    except ValidationError:
        parts.churn = None
    try:
        parts.audiences = AudiencesSpec.model_validate(data["audiences"]) if data.get("audiences") else None
    except ValidationError:
        parts.audiences = None
    try:
        parts.analyses = AnalysesSpec.model_validate(data.get("analyses") or {})
    except ValidationError:
        parts.analyses = None
    parts.verify_user_ids = str(data.get("verify_user_ids", "off"))
    parts.blocked = [value for _, value in _elements(data.get("blocked")) if isinstance(value, str)]
    parts.unblocked = [value for _, value in _elements(data.get("unblocked")) if isinstance(value, str)]
    parts.region = str(data["region"]) if data.get("region") else None
    parts.source_names = {str(key) for key, _ in _elements(data.get("sources"))}
    parts.sink_names = {str(key) for key, _ in _elements(data.get("sinks"))}
    parts.trait_names = {str(key) for key, _ in _elements(data.get("traits"))}
    parts.purposes = {*PURPOSES, *(str(key) for key, _ in _elements(data.get("consent")))}
    parts.identity_types = set(_named(data.get("identities"), "type"))
    parts.segment_names = _named(data.get("segments"), "name")
    parts.alert_names = _named(data.get("alerts"), "name")
    if data.get("builtin_segments", True) is not False:
        parts.builtin = [rule for rule in BUILTIN if rule.name not in parts.segment_names]
    parts.property_names = {
        str(name)
        for _, event in _elements(data.get("events"))
        if isinstance(event, dict)
        for name, _ in _elements(event.get("properties"))
    }
    return parts


def _elements(section: Any) -> list[tuple[Any, Any]]:
    if isinstance(section, dict):
        return list(section.items())
    return list(enumerate(section)) if isinstance(section, list) else []


def _named(section: Any, key: str) -> list[str]:
    """The names in a list; `""` for an element without one, so that positions hold."""
    return [str(value.get(key, "")) if isinstance(value, dict) else "" for _, value in _elements(section)]
