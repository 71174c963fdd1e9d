"""The guide for who is new: what it says to send is what the plan takes, and no real key is shown."""

from __future__ import annotations

import asyncio
import json
import shlex
from dataclasses import replace

import pytest

from console.access.scopes import ROLES, Viewer
from console.services.first_steps import FirstSteps, Guide
from plan import Plan, load_plan
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.settings import Settings
from streams.watching.sdks import SdkWatch
from tests import REPOSITORY
from tests.console.people import store
from tests.console.support_api import PLAN, api_deps, memory_log

OWNER = Viewer("owner", "admin", ROLES["admin"], "page")
PLANS = {"shop": REPOSITORY / "tracking_plan.yaml", "b2b": REPOSITORY / "plan" / "b2b.yaml"}


def guide(plan: Plan, *, collects: bool = True) -> Guide:
    deps = replace(api_deps(store(), plan=plan), collects=collects)
    found = asyncio.run(FirstSteps(deps).of(OWNER, "http://127.0.0.1:8000/"))
    assert found is not None
    return found


@pytest.mark.parametrize("name", PLANS)
def test_what_is_sent_is_as_planned(name: str) -> None:
    plan = load_plan(PLANS[name], {})
    words = shlex.split(guide(plan).command.replace("\\\n", ""))
    sent = json.loads(words[words.index("-d") + 1])
    key = words[words.index("-u") + 1].rstrip(":")

    rule = next(rule for rule in plan.rules if rule.name == sent["event"])
    assert rule.is_valid(sent.get("properties", {}))
    assert key in {plan.sources[source].write_key.get_secret_value() for source in rule.sources}
    assert words[-1] == "http://127.0.0.1:8000/v1/track"


def test_a_key_of_ones_own_is_not_shown() -> None:
    plan = load_plan(PLANS["shop"], {"RAPPORT_WRITE_KEY_WEB": "not-for-everybody", "RAPPORT_WRITE_KEY_APP": "nor-this"})
    shown = guide(plan, collects=False)
    assert "not-for-everybody" not in shown.command + shown.snippet
    assert "WRITE_KEY" in shown.command
    assert "http://COLLECTOR" in shown.command  # it is somewhere else


def test_only_for_whom_there_is_a_guide_is_looked_whether_an_sdk_sends() -> None:
    async def noted(viewer: Viewer) -> tuple[frozenset[str], int]:
        log: MemoryLog = memory_log(PLAN, Settings())
        await log.produce([Row("events.web", None, b"k", b'{"context": {"library": {"name": "an-sdk"}}}', [])])
        deps, woken = api_deps(store(), sdks=SdkWatch(log, Settings(), PLAN)), []
        await asyncio.wait_for(FirstSteps(deps).follow(viewer, lambda: woken.append(1)), 60)
        return await deps.access.first_steps(viewer.name), len(woken)

    assert asyncio.run(noted(OWNER)) == ({"pointed"}, 1)
    assert asyncio.run(noted(Viewer("kim", "agent", ROLES["agent"], "page"))) == (frozenset(), 0)
