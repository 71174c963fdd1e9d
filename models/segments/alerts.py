"""Alerts: when people should look at a customer, decided without a clock or a queue.

An alert opens when its rule is satisfied, ends (`cleared`) when the customer is no longer like that, and does not open
again within the cooldown after it ended or a person resolved it. It holds only for who allows what it is for
(`models.segments.purposes`), and ends when they no longer do. Its id follows from the profile, the rule and the
time, so a batch that is processed twice raises it once. One that looks at the risk never opens for customers who are
held out (`models.labels.treatment`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from models.conditions.churns import reader, score_in
from models.conditions.compiler import compile_condition, write_known
from models.conditions.ranks import Ranks
from models.conditions.rules import AlertRule
from models.conditions.tree import segments_of
from models.conditions.writer import Writer
from models.labels.treatment import held_out
from models.population.snapshot import PopulationSnapshot
from models.segments.purposes import alert_needs, looks_at_risk
from profiles.cases.joining import later_than
from profiles.consent import Consent, is_internal
from profiles.errors import Misconfigured
from profiles.types import Alert, AlertCommand, Profile, Score

__all__ = ["WITHDRAWN", "Alerts", "Transition", "act", "alert_id", "compile_alerts", "forget_risk"]

_NAMESPACE = uuid.UUID("5c0f2f5e-6f0b-5a55-9a39-0d7f7a3d4c11")
_STANDING = ("open", "acknowledged")

WITHDRAWN = "consent withdrawn"
"""Begins the note of an alert that ended because its customer no longer allows what it is for."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What is new: store `alert` under `profile.alerts[rule.name]` and tell the world."""

    rule: AlertRule
    action: Literal["open", "clear"]
    alert: Alert


def alert_id(profile: str, rule: str, opened: float) -> str:
    """The id of an alert: 32 hex digits."""
    return uuid.uuid5(_NAMESPACE, f"{profile}\0{rule}\0{opened!r}").hex


class Alerts:
    """The plan's alert rules, compiled. Pure: nothing here changes a profile."""

    def __init__(
        self,
        rules: Sequence[AlertRule],
        currency: str,
        consent: Consent,
        segments: Mapping[str, tuple[str, ...]],
        population: Callable[[], PopulationSnapshot],
        hold_out: float,
    ) -> None:
        self.rules = tuple(rules)
        self.needs = {rule.name: alert_needs(rule, segments) for rule in rules}
        self._hold_out = hold_out
        self._risky = {rule.name for rule in rules if looks_at_risk(rule, segments)}
        self._score_of = {rule.name: reader(rule.churn) for rule in rules}
        self._consent = consent
        self._ranks = Ranks(population, currency)
        self._any_opens = _compile(rules, currency, self._ranks)
        self.conditions = [(rule.when, rule.margin) for rule in rules if rule.when is not None]
        self._compiled = [
            (rule, compile_condition(rule.when, currency, rule.margin, self._ranks) if rule.when is not None else None)
            for rule in rules
        ]

    def decide(self, profile: Profile, now: float) -> list[Transition]:
        """What opens and what ends for this customer at `now`, given its score, segments and alerts."""
        limits = self._ranks.limits()
        if not profile.alerts and not self._any_opens(profile, now, profile.segments, limits):
            return []
        found: list[Transition] = []
        segments, ours = profile.segments, is_internal(profile)
        denied = self._consent.denied(profile) if not ours else ()
        for rule, when in self._compiled:
            held = profile.alerts.get(rule.name)
            standing = held is not None and held.state in _STANDING
            if held is not None and not standing and now < held.changed + rule.cooldown:
                continue
            withheld = [purpose for purpose in self.needs[rule.name] if purpose in denied] if denied else []
            holds = not ours and not withheld and (rule.segment is None or rule.segment in segments)
            score = self._score_of[rule.name](profile)
            if holds and rule.threshold is not None:
                limit = rule.clears_below if standing else rule.threshold
                said = getattr(score, rule.score, None)
                holds = said is not None and said >= limit
            if holds and when is not None:
                holds = when(profile, now, segments, int(standing), limits)
            if holds and not standing:
                left_alone = held_out(profile.id, self._hold_out)
                if not (left_alone and rule.name in self._risky):
                    found.append(Transition(rule, "open", _opened(profile, score, rule, now, left_alone)))
            elif standing and not holds and held is not None:
                ended = msgspec.structs.replace(held, state="cleared", changed=now, risk=_risk(score, held.risk))
                if withheld:
                    ended.note = "; ".join(filter(None, (held.note, f"{WITHDRAWN}: {', '.join(withheld)}")))
                found.append(Transition(rule, "clear", ended))
        return found

    def next_change(self, profile: Profile, now: float) -> float | None:
        """The earliest time after `now` at which a cooldown ends; `conditions` turn by themselves, too."""
        ends = [
            held.changed + rule.cooldown
            for rule, _ in self._compiled
            if (held := profile.alerts.get(rule.name)) is not None and held.state not in _STANDING
        ]
        return min((end for end in ends if end > now), default=None)


def compile_alerts(
    rules: Sequence[AlertRule],
    currency: str,
    segments: Collection[str],
    consent: Consent | None = None,
    needs: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    population: Callable[[], PopulationSnapshot] = PopulationSnapshot.empty,
    hold_out: float = 0.0,
) -> Alerts:
    """Compile the plan's alert rules.

    Args:
        rules: in the order of the plan.
        currency: of the plan.
        segments: the names of the plan's segments.
        consent: what holds for customers; without it, what they said, and else all is granted.
        needs: the purposes that segments need (`Segments.needs`).
        population: answers the newest one, by which customers are ranked.
        hold_out: share of customers whom no alert that looks at the risk opens for (`models.labels.treatment`).

    Raises:
        Misconfigured: a name is used twice, or a rule speaks of a segment that the plan does not have.
    """
    names: set[str] = set()
    for rule in rules:
        if rule.name in names:
            raise Misconfigured(f"alert {rule.name} is defined twice")
        names.add(rule.name)
        spoken = set(segments_of(rule.when)) if rule.when else set()
        for segment in sorted((spoken | ({rule.segment} if rule.segment else set())) - set(segments)):
            raise Misconfigured(f"alert {rule.name} speaks of segment {segment}, which the plan does not have")
    return Alerts(rules, currency, consent or Consent(), needs, population, hold_out)


def act(profile: Profile, command: AlertCommand) -> Alert | None:
    """The alert after a person's decision; None if there is no such alert or nothing left to decide.

    An open alert can be acknowledged or resolved, an acknowledged one resolved. Repeats change nothing. What people
    have decided on is told from then on, also of an alert of the past that nobody was told of.
    """
    held = next((alert for alert in profile.alerts.values() if alert.id == command.alert), None)
    if held is None or held.state not in _STANDING:
        return None
    states = {"acknowledge": "acknowledged", "resolve": "resolved"}
    state = states.get(command.action)
    if state is None or state == held.state:
        return None
    return msgspec.structs.replace(
        held, state=state, changed=later_than(held, command.time), by=command.by, note=command.note, untold=False
    )


def forget_risk(profile: Profile) -> list[Alert]:
    """Take what a score has left off a customer's alerts, in place; answers those that changed."""
    changed = [
        msgspec.structs.replace(alert, risk=0.0, reasons=[], model="")
        for alert in profile.alerts.values()
        if alert.model or alert.reasons or alert.risk
    ]
    profile.alerts.update((alert.rule, alert) for alert in changed)
    return changed


def _opened(profile: Profile, score: Score | None, rule: AlertRule, now: float, left_alone: bool) -> Alert:
    return Alert(
        id=alert_id(profile.id, rule.name, now),
        rule=rule.name,
        state="open",
        opened=now,
        changed=now,
        risk=_risk(score, 0.0),
        reasons=list(score.reasons) if score is not None else [],
        model=score.model if score is not None else "",
        held_out=left_alone,
    )


def _risk(score: Score | None, otherwise: float) -> float:
    return score.risk if score is not None else otherwise


_Opens = Callable[[Profile, float, Collection[str], list[Any]], bool]


def _compile(rules: Sequence[AlertRule], currency: str, ranks: Ranks) -> _Opens:
    """Whether any rule would open an alert for who has none: the question most customers are done with."""
    writer = Writer(currency, ranks)
    opens = []
    for rule in rules:
        parts = []
        if rule.segment is not None:
            parts.append(f"{writer.bind(rule.segment)} in names")
        if rule.threshold is not None:
            score = score_in(writer, rule.churn)
            told = "" if rule.score == "risk" else f"{score}.{rule.score} is not None and "
            parts.append(f"{score} is not None and {told}{score}.{rule.score} >= {rule.threshold!r}")
        if rule.when is not None:
            known = write_known(writer, rule.when)
            parts += [known] if known else []
            parts.append(rule.when.write(writer, rule.margin, 0))
        opens.append("(" + " and ".join(parts or ["True"]) + ")")
    return writer.function("p, now, names, limits", [f"return {' or '.join(opens) or False}"])
