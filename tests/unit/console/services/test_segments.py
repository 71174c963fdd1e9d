"""What is known of segments, over a store in memory: who entered and left by day."""

from __future__ import annotations

import asyncio

from console.services.segments import Segments
from profiles.store import Changes
from tests.console.people import DAY, NOW, store
from tests.console.support_api import api_deps

TODAY = int(NOW // DAY)


def test_moves_are_of_thirty_days_up_to_today_also_where_nobody_moved() -> None:
    held = store()
    moved = {(TODAY, "loyal", True): 3, (TODAY - 29, "loyal", False): 2, (TODAY - 30, "loyal", True): 9}
    asyncio.run(held.commit(1, Changes(version=0, moved=moved)))
    found = asyncio.run(Segments(api_deps(held)).sizes())
    moves = {row.name: row.moves for row in found}

    assert moves["loyal"].until == "2026-01-01"
    assert (moves["loyal"].entered, moves["loyal"].left) == ([0] * 29 + [3], [2] + [0] * 29)
    assert moves["unhappy"].entered == moves["unhappy"].left == [0] * 30
    assert asyncio.run(Segments(api_deps(held)).persona("loyal")).moves == moves["loyal"]
