"""How cases ended lately: each counted once, when it ended and not when somebody wrote about it, and read once."""

from __future__ import annotations

import asyncio
from typing import cast

from msgspec.structs import replace

from console.services.case_ends import Outcomes
from console.views.matters.outcomes import outcomes_view
from models.cases.decisions import decide
from models.cases.following import Cases
from models.labels.acting import Acting
from profiles.consent import Consent
from profiles.store import Reader
from profiles.stores.memory import MemoryStore
from profiles.types import AlertCommand, Profile
from tests.console.people import DAY, NOW, customer, keep, store
from tests.console.support_api import PLAN

CASES = Cases(PLAN.alerts, "EUR", 90 * DAY, 0.0, Consent())


def with_end(number: int, days_ago: float, outcome: str) -> Profile:
    found = customer(("user_id", str(number)))
    CASES.follow(found, NOW - 30 * DAY)
    assert found.case is not None
    at = NOW - days_ago * DAY
    end = decide(found, AlertCommand(found.id, "", "resolve", at, "kim", case=found.case.id, outcome=outcome))
    assert end is not None
    found.case = replace(end.case, value=1000)
    return found


class Counted:
    """A store that counts whose documents are read."""

    def __init__(self, held: MemoryStore) -> None:
        self._held, self.read = held, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._held, name)

    async def profiles(self, ids: list[str]) -> dict[str, Profile]:
        self.read += len(ids)
        return await self._held.profiles(ids)


def test_ends_are_counted_by_outcome_and_read_once() -> None:
    held = store()
    noted = with_end(6, 20, "left")  # long ago, and somebody wrote about it today
    assert noted.case is not None
    said = decide(noted, AlertCommand(noted.id, "", "note", NOW - 60, "kim", "called again", case=noted.case.id))
    assert said is not None
    noted.case = said.case
    again = with_end(7, 1, "stayed")
    assert again.case is not None
    ended = [with_end(1, 1, "stayed"), with_end(2, 2, "stayed"), with_end(3, 6, "left"), with_end(4, 8, "left")]
    keep(held, *ended, noted, again, customer(("user_id", "5")))
    again.case = replace(again.case, state="new")  # it came back
    keep(held, again)
    reader, outcomes = Counted(held), Outcomes()

    async def ask(now: float) -> tuple[dict[str, int], float | None]:
        found = await outcomes.of_the_week(cast(Reader, reader), now)
        view = outcomes_view(found, Acting(), now, PLAN)
        assert view.outcomes["stayed"].value_at_risk.minor == 1000 * view.outcomes["stayed"].count
        return {name: each.count for name, each in view.outcomes.items() if each.count}, view.kept_share

    async def run() -> None:
        assert await asyncio.gather(ask(NOW), ask(NOW)) == [({"stayed": 2, "left": 1}, 2 / 3)] * 2
        assert reader.read == 4  # those three, and the one that somebody wrote about
        assert await ask(NOW + 5.5 * DAY) == ({"stayed": 1}, 1.0)
        assert reader.read == 4

    asyncio.run(run())
    assert outcomes_view([], Acting(), NOW, PLAN).kept_share is None
