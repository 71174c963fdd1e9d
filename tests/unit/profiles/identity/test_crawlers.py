"""Crawlers are found as by trying each pattern of the list, and who sends many user agents buys little time."""

from __future__ import annotations

import time

import crawleruseragents
import pytest

from profiles.identity.crawlers import is_crawler

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.{} Safari/537.36"
)
AGENTS = [agent for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]]


def test_the_same_are_found_as_by_each_pattern() -> None:
    """Also of parts of them, and of what is none."""
    tried = [*AGENTS, *(agent[:40] for agent in AGENTS), *(agent[-30:] for agent in AGENTS), CHROME, "", "a", "ab"]

    assert [agent for agent in tried if is_crawler(agent) != crawleruseragents.is_crawler(agent)] == []


@pytest.mark.parametrize("agent", [CHROME * 2, "{} Windows Linux compat " * 12, "{}" + "MMM" * 80])
def test_a_flood_of_new_user_agents_costs_little(agent: str) -> None:
    """Each is read once; no memory of those that were helps."""
    flood = [agent.replace("{}", str(number))[:256] for number in range(1_000)]
    is_crawler("")

    began = time.thread_time()
    sum(map(is_crawler, flood))
    took = time.thread_time() - began
    began = time.thread_time()
    sum(map(crawleruseragents.is_crawler, flood[:200]))

    assert took / 1_000 < (time.thread_time() - began) / 200 / 1.5
    assert took < 0.3
