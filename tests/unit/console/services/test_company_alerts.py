"""Companies of whom alerts stand: who is listed, and who comes first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from console.services import company_alerts
from console.services.company_alerts import CompanyAlerts, Needy
from plan import load_plan
from profiles.store import Changes
from profiles.stores.memory import MemoryStore
from profiles.types import Alert, Company, Profile, Score, partition_of
from tests import REPOSITORY
from tests.build import T0

PLAN = load_plan(REPOSITORY / "plan" / "b2b.yaml", {})
SHOP = load_plan(REPOSITORY / "tracking_plan.yaml", {})


def alert(rule: str, day: float, state: str = "open") -> Alert:
    return Alert(f"{rule}-{day}", rule, state, T0 + day, T0 + day, 0.5)


def firm(key: str, risk: float, *alerts: Alert) -> Profile:
    one = Profile(PLAN.company(key), created=T0, updated=T0, company=Company("company", key))
    one.score = Score(risk, "low", T0, "company-rules-1")
    one.alerts = {each.rule: each for each in alerts}
    return one


class Counting(MemoryStore):
    """Counts how often alerts are asked for."""

    asked = 0

    async def alerts(self, **of: Any) -> Any:
        self.asked += 1
        await asyncio.sleep(0)
        return await super().alerts(**of)


async def kept(*profiles: Profile) -> Counting:
    store = Counting(PLAN.namespace, 4)
    for one in profiles:
        partition = partition_of(one.id, 4)
        loaded = await store.load(partition, ())
        told = [(one.id, each) for each in one.alerts.values()]
        await store.commit(partition, Changes(loaded.version, profiles=[one], alerts=told))
    return store


def found(*profiles: Profile, state: str = "open", plan=PLAN, **of: str) -> list[Needy]:
    async def ask() -> list[Needy]:
        return (await CompanyAlerts(await kept(*profiles), plan).standing(state, **of)).companies

    return asyncio.run(ask())


ACME = firm("acme", 0.2, alert("seats_unused", 5), alert("silent_payer", 9))
BOLT = firm("bolt", 0.9, alert("invoice_overdue", 1), alert("limit_reached", 2))
CORE = firm("core", 0.6, alert("company_may_leave", 3), alert("champion_left", 4, "acknowledged"))
DONE = firm("done", 0.9, alert("company_may_leave", 7, "cleared"))


def test_the_severest_come_first_and_of_those_who_is_most_at_risk() -> None:
    person = Profile("p", created=T0, updated=T0, alerts={"open_ticket": alert("ticket_keeps_coming_back", 1)})
    listed = found(ACME, BOLT, CORE, DONE, person)

    assert [one.company.company.key for one in listed] == ["core", "acme", "bolt"]  # type: ignore[union-attr]
    assert [each.rule for each in listed[1].alerts] == ["silent_payer", "seats_unused"]
    assert [each.rule for each in listed[0].alerts] == ["company_may_leave"]


def test_they_are_chosen_by_state_rule_and_owner() -> None:
    def keys(**of: str) -> list[str]:
        return [one.company.company.key for one in found(ACME, BOLT, CORE, DONE, **of)]  # type: ignore[union-attr]

    assert keys(state="acknowledged") == ["core"]
    assert keys(rule="seats_unused") == ["acme"]
    assert keys(owner="Finance") == ["bolt"]
    assert keys(rule="silent_payer", owner="Finance") == []


def test_a_plan_without_companies_asks_for_nothing() -> None:
    assert found(ACME, plan=SHOP) == []


def test_however_many_look_alerts_are_read_once_in_five_seconds() -> None:
    async def ask() -> None:
        store, now = await kept(ACME, BOLT, CORE), [100.0]
        alerts = CompanyAlerts(store, PLAN, lambda: now[0])
        all_, some, *_ = await asyncio.gather(*(alerts.standing("open", rule=rule) for rule in (None, "seats_unused")))
        assert (len(all_.companies), len(some.companies), store.asked) == (3, 1, 1)
        now[0] += 4.9
        await alerts.standing("open", owner="Finance")
        assert store.asked == 1
        await alerts.standing("acknowledged")
        assert store.asked == 2
        now[0] += 0.2
        await alerts.standing("open")
        assert store.asked == 3

    asyncio.run(ask())


def test_it_is_told_when_there_are_more_alerts_than_are_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(pages: int) -> tuple[list[str], bool]:
        monkeypatch.setattr(company_alerts, "_PAGE", 2)
        monkeypatch.setattr(company_alerts, "_PAGES", pages)
        listed, cut = await CompanyAlerts(await kept(ACME, BOLT, CORE), PLAN).standing("open")
        return sorted(one.company.company.key for one in listed), cut  # type: ignore[union-attr]

    assert asyncio.run(ask(1)) == (["acme"], True)
    assert asyncio.run(ask(3)) == (["acme", "bolt", "core"], False)
