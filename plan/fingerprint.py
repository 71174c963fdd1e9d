"""Fingerprints of a plan and of its rules: whoever has the same plan has the same ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import groupby

from models.conditions.rules import AlertRule, SegmentRule
from models.conditions.tree import segments_of
from plan.plan import Plan
from profiles.units import PlanRules

__all__ = ["fingerprint", "rules_of"]

_SAID = {"description", "owner", "channel", "severity", "basis"}  # to people; nobody is moved by it


def fingerprint(plan: Plan) -> str:
    """A hash of all that a plan says."""
    return _hash(plan.file.model_dump_json())


def rules_of(plan: Plan) -> PlanRules:
    """A hash of each segment and each alert: of all that decides it.

    That is the rule, the segments it refers to, those of its group, and what all rules rest on: currency, consent and
    the settings of the churn model, which decide risk and stage.
    """
    rests_on = json.dumps([plan.currency, sorted(plan.consent.defaults.items()), plan.file.churn.model_dump_json()])
    segments: dict[str, str] = {}
    for group, members in groupby(plan.segments, key=lambda rule: rule.group):
        names = []
        for rule in members:
            segments[rule.name] = _of_segment(rule, segments, rests_on)
            names.append(rule.name)
        if group is not None:  # who may stay in one enters no other, and the first one wins
            together = [segments[name] for name in names]
            segments |= {name: _hash(name, *together) for name in names}
    alerts = {rule.name: _of_alert(rule, segments, rests_on) for rule in plan.alerts}
    return PlanRules(version=plan.version, segments=segments, alerts=alerts)


def _of_segment(rule: SegmentRule, known: Mapping[str, str], rests_on: str) -> str:
    return _hash(rule.model_dump_json(exclude=_SAID), *_refers(segments_of(*rule.conditions()), known), rests_on)


def _of_alert(rule: AlertRule, known: Mapping[str, str], rests_on: str) -> str:
    asked = [*([rule.segment] if rule.segment else []), *(segments_of(rule.when) if rule.when else [])]
    return _hash(rule.model_dump_json(exclude=_SAID), *_refers(asked, known), rests_on)


def _refers(names: Sequence[str], known: Mapping[str, str]) -> list[str]:
    return [known[name] for name in sorted(set(names))]


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
