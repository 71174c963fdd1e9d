"""Crawlers are found as by trying each pattern of the list, and who sends many user agents buys little time."""

from __future__ import annotations

import crawleruseragents
import pytest

from profiles.identity.crawlers import is_crawler
from tests.work import calls

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.{} Safari/537.36"
)
AGENTS = [agent for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]]


def test_the_same_are_found_as_by_each_pattern() -> None:
    """Also of parts of them, and of what is none."""
    tried = [*AGENTS, *(agent[:40] for agent in AGENTS), *(agent[-30:] for agent in AGENTS), CHROME, "", "a", "ab"]

    assert [agent for agent in tried if is_crawler(agent) != crawleruseragents.is_crawler(agent)] == []


class Sought(str):
    """A text that counts how often another one is looked for in it."""

    times = 0

    def __contains__(self, part: object) -> bool:
        Sought.times += 1
        return super().__contains__(part)  # type: ignore[operator]


@pytest.mark.parametrize("agent", [CHROME * 2, "{} Windows Linux compat " * 12, "{}" + "MMM" * 80])
def test_a_flood_of_new_user_agents_costs_little(agent: str) -> None:
    """Each is read once, and few of a thousand texts are looked for in it; no memory of those that were helps."""
    flood = [Sought(agent.replace("{}", str(number))[:256]) for number in range(100)]
    is_crawler("")
    Sought.times = 0

    made = calls(lambda: [is_crawler(one) for one in flood])

    assert made < 100 * 30
    assert Sought.times < 100 * len(crawleruseragents.CRAWLER_USER_AGENTS_DATA) / 100
