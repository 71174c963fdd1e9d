"""A sink's owner on a log in memory: it ends at once, waits for a store that is whole, and says what may be done."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from models.segments.alert_document import alert_document
from plan import parse_plan
from profiles.errors import Misconfigured
from profiles.times import rfc3339
from profiles.types import Alert
from streams.sinks.messages import Lever
from tests.audiences import awaited
from tests.build import T0
from tests.owning import Owning, member
from tests.sinks import receiver
from tests.telling import plan_with

pytestmark = pytest.mark.quick

PLAN = parse_plan(plan_with({"crm": {"type": "webhook"}}, [{"owner": "CRM", "sinks": ["crm"]}]), "plan.yaml", {})


@awaited
async def test_it_ends_though_it_is_woken_as_it_is_ended():
    """`asyncio.wait_for` of Python 3.11 loses a cancellation that comes together with what it waits for."""
    for steps in range(5):
        async with receiver() as crm:
            runner = Owning(PLAN, crm).runner()
            async with runner.caller:
                task = asyncio.create_task(runner.run())
                await asyncio.sleep(0.05)
                runner._woken.set()
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                _, left = await asyncio.wait({task}, timeout=20)
                assert not left, f"after {steps} steps"


def opening(one):
    alert = Alert(f"{one.id}risk", "risk", "open", T0, T0, 0.0)
    body = {"id": f"{alert.id}:open", "profile": one.id, "at": rfc3339(T0), "alert": alert_document(one, alert)}
    return "alerts", one.id, orjson.dumps(body)


async def begun(runner):
    """Wait until it reads: what was before is of the past."""
    while not runner.ledger.positioned:  # noqa: ASYNC110  (nobody tells of it)
        await asyncio.sleep(0.01)


@awaited
async def test_an_alert_of_a_customer_whom_a_lost_store_has_not_yet_waits_for_them():
    """Of a store that is whole, whoever is not there is gone, and told nobody."""
    async with receiver() as crm:
        owning = Owning(PLAN, crm)
        ada, eve = member(1), member(2)
        lost = True

        async def whole():
            if lost:
                raise Misconfigured("this Redis holds no profiles yet")

        async with owning.running(whole=whole) as runner:
            await begun(runner)
            for one in (ada, eve):
                await owning.tell(*opening(one))
            await asyncio.sleep(0.5)
            assert crm.received == []
            await owning.put(ada)
            lost = False
            await crm.until(1)
            await asyncio.sleep(0.3)
        assert [one.headers["webhook-id"] for one in crm.received] == [f"{ada.id}risk:open"]


@awaited
async def test_a_message_says_what_would_lower_the_risk_and_goes_out_though_the_models_fail():
    async with receiver() as crm:
        full = plan_with({"crm": {"type": "webhook", "payload": "full"}}, [{"owner": "CRM", "sinks": ["crm"]}])
        owning = Owning(parse_plan(full, "plan.yaml", {}), crm)
        people = [member(1), member(2)]
        await owning.put(*people)

        async def advise(profile):
            if profile.id == people[1].id:
                raise ValueError("no panel")
            return [Lever("order", "An order today", 0.4)]

        async with owning.running(advise=advise) as runner:
            await begun(runner)
            for one in people:
                await owning.tell(*opening(one))
            await crm.until(2)
        told = {one.headers["webhook-id"]: orjson.loads(one.body)["data"]["would_lower"] for one in crm.received}
        lever = {"action": "order", "text": "An order today", "risk": 0.4}
        assert told == {f"{people[0].id}risk:open": [lever], f"{people[1].id}risk:open": None}
