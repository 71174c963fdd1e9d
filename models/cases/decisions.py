"""What people decide on a case, and what follows for its alerts: both are changed together, by the one writer."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from msgspec import structs

from models.cases.following import complaints, happened, risk_of
from profiles.cases.joining import HISTORY, NOTES, STANDING, answers_to, later_than, latest
from profiles.times import rfc3339, to_microsecond
from profiles.types import OPEN, Alert, AlertCommand, Case, CaseEntry, Profile

__all__ = ["ACTIONS", "OUTCOMES", "Decided", "decide", "decide_by_alert", "is_carried_out"]

ACTIONS: Final = ("acknowledge", "assign", "snooze", "resolve", "note")

OUTCOMES: Final = ("stayed", "left", "no_answer", "wrong", "not_worth")
"""What a case came to. Of the last two nobody dealt with the customer (`models.labels.treatment`)."""

_SAME = 1e-5  # seconds: what others are told has times to the microsecond

_BECOMES = {"acknowledge": "acknowledged", "assign": "assigned", "snooze": "snoozed", "resolve": "resolved"}


class Decided(NamedTuple):
    """What a decision changes."""

    case: Case
    alerts: list[Alert]


def decide(profile: Profile, command: AlertCommand) -> Decided | None:
    """The case and those of its alerts that a person's decision changes; None if it changes nothing.

    That is so if the customer has no such case any more, if it is over (a note may still be added), if it is so
    already, and if the decision was carried out before.
    """
    case = profile.case
    if case is None or not answers_to(case, command.case) or is_carried_out(case, command):
        return None
    if command.action == "note":
        if not command.note:
            return None
        return Decided(_noted(structs.replace(case, changed=later_than(case, command.time)), command), [])
    if case.state not in STANDING or (command.action == "acknowledge" and case.state == "acknowledged"):
        return None
    return Decided(_noted(_changed(profile, case, command), command), _alerts(profile, command))


def decide_by_alert(profile: Profile, alert: Alert, command: AlertCommand) -> Case | None:
    """The case after a person's decision on one of its alerts; None if that leaves it as it is.

    Acknowledging an alert acknowledges the case; resolving the last one that stands resolves it.
    """
    case = profile.case
    if case is None or case.state not in STANDING or alert.rule not in case.rules or is_carried_out(case, command):
        return None
    left = any(one.state in OPEN for one in profile.alerts.values())
    if command.action == "resolve" and left:
        return None
    if command.action == "acknowledge" and case.state == "acknowledged":
        return None
    return _noted(_changed(profile, case, command), command)


def is_carried_out(case: Case, command: AlertCommand) -> bool:
    """Whether a case shows that a decision was carried out, or knows nothing any more of so long ago."""
    done = _BECOMES.get(command.action, command.action)
    kept, most = (case.notes, NOTES) if command.action == "note" else (case.history, HISTORY)
    return (len(kept) >= most and command.time < kept[0].at - _SAME) or any(
        entry.action == done and entry.by == command.by and abs(entry.at - command.time) < _SAME for entry in kept
    )


def _changed(profile: Profile, case: Case, command: AlertCommand) -> Case:
    time, by = command.time, command.by
    if command.action == "acknowledge":
        return happened(case, time, "acknowledged", by, state="acknowledged", until=0.0, worse=False)
    if command.action == "assign":
        whose: dict[str, Any] = {"assignee": command.assignee, **({"owner": command.team} if command.team else {})}
        if command.assignee or command.team:  # who puts it back leaves it to the plan whose it is
            whose["given"] = time
        return happened(case, time, "assigned", by, command.team or command.assignee, **whose)
    if command.action == "resolve":
        return happened(
            case, time, "resolved", by, command.outcome,
            state="resolved", outcome=command.outcome, until=0.0, worse=False,
        )  # fmt: skip
    until = [f"until {rfc3339(command.until)}"] if command.until else []
    return happened(
        case, time, "snoozed", by, " or ".join([*until, *(["until worse"] if command.worse else [])]),
        state="snoozed", until=command.until, worse=command.worse,
        slept_risk=risk_of(profile), slept_complaints=complaints(profile),
    )  # fmt: skip


def _noted(case: Case, command: AlertCommand) -> Case:
    if not command.note:
        return case
    note = CaseEntry(to_microsecond(command.time), "note", command.by, command.note)
    return structs.replace(case, notes=latest([*case.notes, note], NOTES))


def _alerts(profile: Profile, command: AlertCommand) -> list[Alert]:
    """The alerts as the decision leaves them: what is decided on the case is decided on each of them."""
    state = {"acknowledge": "acknowledged", "resolve": "resolved"}.get(command.action)
    if state is None:
        return []
    return [
        structs.replace(
            alert, state=state, changed=later_than(alert, command.time), by=command.by, note=command.note, untold=False,
            outcome=command.outcome,
        )
        for alert in profile.alerts.values()
        if alert.state in OPEN and alert.state != state
    ]  # fmt: skip
