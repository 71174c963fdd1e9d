"""Companies that somebody has to look after: those of whom an alert stands, the most urgent first."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from plan import Plan
from profiles.store import Reader
from profiles.types import Alert, Profile, is_company

__all__ = ["Needy", "companies_with_alerts"]

_SEVERITY = {"critical": 0, "warning": 1, "info": 2}
_PAGE, _PAGES = 500, 20  # alerts read at once, and how often for one answer at most


class Needy(NamedTuple):
    """A company with what stands of it, the severest rule first."""

    company: Profile
    alerts: list[Alert]


async def companies_with_alerts(
    reader: Reader, plan: Plan, state: str, *, rule: str | None = None, owner: str | None = None
) -> list[Needy]:
    """All of them: by the severest rule of each, then by their risk.

    Args:
        reader: of profiles and alerts.
        plan: says how severe a rule is, and whose; what it no longer has counts least.
        state: of the alerts: open or acknowledged.
        rule: only of this one.
        owner: only of rules of this team.
    """
    if not plan.group:
        return []
    severity = {each.name: _SEVERITY[each.severity] for each in plan.alerts}
    least = len(_SEVERITY)
    asked = {each.name for each in plan.alerts if rule in (None, each.name) and owner in (None, each.owner)}
    standing: defaultdict[str, list[Alert]] = defaultdict(list)
    cursor: str | None = None
    for _ in range(_PAGES):
        found, cursor = await reader.alerts(state=state, limit=_PAGE, cursor=cursor)
        for id_, alert in found:
            if is_company(id_) and (alert.rule in asked or (rule is None and owner is None)):
                standing[id_].append(alert)
        if cursor is None:
            break
    companies = await reader.profiles(sorted(standing))
    needy = [
        Needy(company, sorted(standing[id_], key=lambda alert: (severity.get(alert.rule, least), alert.opened)))
        for id_, company in companies.items()
    ]
    return sorted(needy, key=lambda one: (severity.get(one.alerts[0].rule, least), -_risk(one.company), one.company.id))


def _risk(company: Profile) -> float:
    return company.score.risk if company.score is not None else 0.0
