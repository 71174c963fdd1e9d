"""Companies of whom alerts stand: who is listed, and who comes first."""

from __future__ import annotations

import asyncio

from console.services.company_alerts import Needy, companies_with_alerts
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


def found(*profiles: Profile, state: str = "open", plan=PLAN, **of: str) -> list[Needy]:
    async def ask() -> list[Needy]:
        store = MemoryStore(PLAN.namespace, 4)
        for one in profiles:
            partition = partition_of(one.id, 4)
            loaded = await store.load(partition, ())
            told = [(one.id, each) for each in one.alerts.values()]
            await store.commit(partition, Changes(loaded.version, profiles=[one], alerts=told))
        return await companies_with_alerts(store, plan, state, **of)

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
