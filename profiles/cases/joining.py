"""How two cases of customers who turn out to be one become one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import structs

from profiles.types import Case, CaseEntry

__all__ = ["HISTORY", "MERGED", "NOTES", "OVER", "STANDING", "answers_to", "join_cases", "latest"]

STANDING = ("new", "acknowledged", "snoozed")
"""States of a case that somebody has something to do with, or will have."""

OVER = ("resolved", "cleared")

HISTORY, NOTES, MERGED = 20, 10, 8


def answers_to(case: Case | None, id_: str) -> bool:
    """Whether a case is the one of this id, or has taken it in."""
    return case is not None and (case.id == id_ or id_ in case.merged)


def latest(entries: Iterable[CaseEntry], kept: int) -> list[CaseEntry]:
    """The latest entries in order, each once: the same in whatever order they came together."""
    return sorted(dict.fromkeys(entries), key=structs.astuple)[-kept:]


def join_cases(one: Case | None, other: Case | None) -> Case | None:
    """The case of both: it stands if either does, began when the earlier did, and has the rules of both.

    What people decided last of the two counts. Whose it is has to be asked anew (""), unless a person gave it to
    somebody. Of one that is over beside one that stands only notes and history stay.
    Which comes first makes no difference, nor does the order in which several come together.
    """
    if one is None or other is None:
        return one or other
    first, second = sorted((one, other), key=_weight)  # the second weighs more
    notes, history = latest([*one.notes, *other.notes], NOTES), latest([*one.history, *other.history], HISTORY)
    if first.state not in STANDING or second.state not in STANDING:
        return structs.replace(second, notes=notes, history=history)
    begun = min((one, other), key=lambda case: (case.opened, case.id))
    return structs.replace(
        second,
        id=begun.id,
        opened=begun.opened,
        risk=begun.risk,
        model=begun.model,
        as_of=begun.as_of,
        reasons=begun.reasons,
        rules=_earliest(one.rules, other.rules),
        owner=_owner(one, other),
        given=max(one.given, other.given),
        notes=notes,
        history=history,
        merged=_ids([one.id, other.id, *one.merged, *other.merged], begun.id),
    )


def _weight(case: Case) -> tuple[object, ...]:
    return (
        case.state in STANDING, case.changed, case.state, case.assignee, case.until, case.worse, case.kind,
        case.outcome, case.slept_risk or 0.0, case.slept_complaints, case.owner, case.value or 0, case.valued_at,
        case.id,
    )  # fmt: skip


def _owner(one: Case, other: Case) -> str:
    given = max((one, other), key=lambda case: (case.given, case.owner))
    return given.owner if given.given else ""


def _earliest(ours: dict[str, float], theirs: dict[str, float]) -> dict[str, float]:
    both = {rule: min(ours.get(rule, at), at) for rule, at in theirs.items()}
    return dict(sorted((ours | both).items()))


def _ids(ids: Sequence[str], kept: str) -> list[str]:
    return sorted({*ids} - {kept})[:MERGED]
