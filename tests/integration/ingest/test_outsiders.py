"""What an outsider can do who has the public key of a page; and what a source does by itself once it is well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from plan import load_plan
from streams.settings import Settings
from tests import REPOSITORY
from tests.console.collecting import Collecting, collecting
from tests.integration.ingest.test_breaker import held, pages, seen, wait_until
from tests.integration.operations.test_replay import run
from tests.integration.rapport import Rapport, recently, running

POLICY = "\nbreaker: {senders: 10, least: 20, retry: 1}\n"
OTHERS = [f"other-{n}" for n in range(20)]


@pytest.fixture
def rapport(make_settings: Callable[..., Settings], apache_kafka: str, tmp_path: Path) -> Iterator[Rapport]:
    """A worker whose breaker opens early and is tried soon."""
    plan = tmp_path / "plan.yaml"
    plan.write_text((REPOSITORY / "tracking_plan.yaml").read_text() + POLICY)
    with running(make_settings(plan=plan), tmp_path) as one:
        yield one


def post(collector: Collecting, address: str, events: list[dict[str, Any]]) -> None:
    """Send events to the collector, which stands behind a proxy, from an address."""
    with httpx.Client(base_url=collector.url, auth=("dev-web-key", "")) as client:
        answer = client.post("/v1/batch", json={"batch": events}, headers={"X-Forwarded-For": address})
        assert answer.status_code == 200, answer.text


def of(rapport: Rapport, source: str) -> dict[str, Any]:
    """What `rapport source list` says of a source."""
    return next(row for row in run(rapport.settings, "source", "list") if row["source"] == source)


def track(name: str, user: str, number: int) -> dict[str, Any]:
    """An event of a customer."""
    return {
        "type": "track", "event": name, "userId": user, "messageId": f"{user}-{name}-{number}",
        "timestamp": recently(), "properties": {"ticket_id": f"{user}-{number}"},
    }  # fmt: skip


def test_one_outsider_stops_nothing_and_is_put_aside(rapport: Rapport) -> None:
    """600 unplanned events in one request, each in another name and of another customer; then others' pages count."""
    made_up = [
        {"type": "track", "event": f"Thing {n}", "anonymousId": f"made-up-{n}", "properties": {}} for n in range(600)
    ]
    with collecting(rapport.settings, load_plan(rapport.settings.plan)) as collector:
        post(collector, "203.0.113.9", made_up)
        for number, user in enumerate(OTHERS):
            post(collector, f"198.51.100.{number}", pages(user, 3))
    for user in (OTHERS[0], OTHERS[-1]):
        rapport.until(seen(user, "web", 3), "others' events")

    wait_until(lambda: sum(a["rejected"] for a in of(rapport, "web")["put_aside"]) == 600, rapport, "all of them")
    assert not held(rapport.settings)["web"]
    [aside] = of(rapport, "web")["put_aside"]
    assert (aside["kept"], aside["reason"]) == (200, "unplanned")
    listed = run(rapport.settings, "rejected", "list", "--put-aside", "--limit", "1000")
    assert len(listed) == 400
    assert {(row["sender"], row["reason"], row["truncated"]) for row in listed} == {
        (aside["sender"], "unplanned", True)
    }
    shown = run(rapport.settings, "rejected", "show", listed[-1]["position"])
    assert (shown["put_aside"], shown["bytes"]) == (True, 0)
    assert len(run(rapport.settings, "rejected", "list", "--limit", "1000")) == 200
    assert any(finding["what"] == "senders of web" for finding in run(rapport.settings, "doctor"))
    again = run(rapport.settings, "replay", "--source", "web", "--since", "1h", "--dry-run")
    assert sum(then.get("rejected", 0) for then in again["then"].values()) == 600  # the topic has all of their bytes


def test_a_source_is_resumed_by_itself_once_its_senders_are_mended(rapport: Rapport) -> None:
    """Nobody does anything: what waited is rejected, and what is good counts."""
    rapport.send("support", [track("Nobody Planned It", user, n) for n in range(40) for user in OTHERS])
    wait_until(lambda: held(rapport.settings)["support"], rapport, "the breaker")
    wait_until(lambda: any("stays paused" in line for line in rapport.log_of(0)), rapport, "a try that fails")
    assert held(rapport.settings)["support"]

    rapport.send("support", [track("Ticket Opened", user, n) for n in range(40) for user in OTHERS])
    wait_until(lambda: not held(rapport.settings)["support"], rapport, "the source to be resumed by itself")
    for user in OTHERS[:2]:
        rapport.until(seen(user, "support", 40), "what is good")
    deadline = time.monotonic() + 120
    while len(run(rapport.settings, "rejected", "list", "--source", "support", "--limit", "1000")) < 800:
        assert time.monotonic() < deadline, rapport.logs()
