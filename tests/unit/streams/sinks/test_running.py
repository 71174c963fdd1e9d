"""A sink's owner on a log in memory: that it ends at once whatever it does."""

from __future__ import annotations

import asyncio

import pytest

from plan import parse_plan
from tests.audiences import awaited
from tests.owning import Owning
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
                _, left = await asyncio.wait({task}, timeout=0.9)
                assert not left, f"after {steps} steps"
