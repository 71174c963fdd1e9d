"""A company is erased as such on real servers: its people stay, and it stays away over restart, replay and rebuild."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from console.http.serve import create_http
from profiles.store import Reader
from streams.settings import Settings
from tests.console.serving import serving
from tests.integration.rapport import PLAN, Rapport, recently, running
from tests.integration.rebuild.rebuilding import archive, lose_redis, rebuild, until_quiet

pytestmark = [pytest.mark.usefixtures("apache_kafka"), pytest.mark.timeout(900)]

TOKEN = "for-tests-of-companies"
PEOPLE = ("ann", "bob", "cleo")
ALERT = "  - {name: firm_has_people, grain: company, when: {company: members, at_least: 1}, cooldown: 1d}\n"


def visit(user: str, number: int, company: str) -> dict[str, Any]:
    context = {"groupId": company} if company else {}
    when = recently(number, 100)
    return {
        "type": "page", "name": "Home", "userId": user, "messageId": f"{user}-{number}", "timestamp": when,
        "context": context,
    }  # fmt: skip


def until(rapport: Rapport, events: dict[str, int]) -> None:
    """Wait until each of these customers has so many events."""

    async def reached(reader: Reader) -> bool:
        for user, count in events.items():
            found = await reader.profile(await reader.resolve(("user_id", user)))
            if found is None or sum(each.count for each in found.activity.values()) < count:
                return False
        return True

    rapport.until(reached, f"{events}")


def test_an_erased_company_stays_erased(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """In lists, in its people, in the archive's files, after a kill, a replay, and a rebuild from Kafka and from the
    archive; until somebody lifts it. Its case goes with it; that of another company stays as people decided on it."""
    plan = tmp_path / "plan.yaml"
    text = PLAN.read_text()
    assert "\nalerts:\n" in text
    plan.write_text(text.replace("\nalerts:\n", f"\nalerts:\n{ALERT}") + "\ngroups: {company: {}}\n")
    folder = tmp_path / "archive"
    settings = make_settings(plan=plan, api_token=SecretStr(TOKEN), archive=str(folder))
    with (
        running(settings, tmp_path) as rapport,
        serving(create_http(settings, rapport.plan, collect=False, api=True)) as url,
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as http,
    ):

        def companies() -> list[str]:
            return sorted(row["company"] for row in http.get("/v1/companies").json()["data"])

        def cases() -> dict[str, tuple[str, str]]:
            """By company: the id of its case, and its state."""
            return {
                row["company"]: (row["id"], row["state"]) for row in http.get("/v1/cases?grain=company").json()["data"]
            }

        def until_cases(expected: set[str]) -> None:
            deadline = time.monotonic() + 120
            while cases().keys() != expected:
                assert time.monotonic() < deadline, (cases(), rapport.logs())
                time.sleep(0.2)

        def is_gone() -> None:
            assert http.get("/v1/companies/zenith").status_code == 404
            assert companies() == ["bolt"]
            assert cases() == {"bolt": bolts}
            for user in PEOPLE:
                known = [one["company"] for one in http.get(f"/v1/profiles/user_id:{user}").json()["companies"]]
                assert known == (["bolt"] if user == "cleo" else []), user
            assert not [id_ for id_, document in rapport.documents().items() if b"zenith" in document]

        first = [visit(user, number, "zenith") for user in PEOPLE for number in range(4)]
        rapport.send("web", [*first, visit("cleo", 10, "bolt")])
        until(rapport, {"ann": 4, "bob": 4, "cleo": 5})
        deadline = time.monotonic() + 120
        while companies() != ["bolt", "zenith"]:
            assert time.monotonic() < deadline, rapport.logs()
            time.sleep(0.2)
        until_cases({"bolt", "zenith"})
        zeniths, (decided, _) = cases()["zenith"], cases()["bolt"]
        assert http.post(f"/v1/cases/{decided}/acknowledge", json={"by": "kim"}).status_code == 200
        bolts = (decided, "acknowledged")
        archive(rapport)
        assert any(b"zenith" in path.read_bytes() for path in folder.rglob("*.parquet"))

        answer = http.delete("/v1/companies/zenith", params={"by": "desk"})
        assert (answer.status_code, answer.json()["state"]) == (200, "done"), answer.text
        is_gone()

        rapport.kill(0)
        rapport.start()
        time.sleep(1.5)  # ingest looks for new suppression entries once a second
        rapport.send("web", [visit("ann", 20, "zenith"), visit("bob", 21, ""), *first])
        until(rapport, {"ann": 5, "bob": 5})
        is_gone()
        until_quiet(rapport)
        archive(rapport)
        for path in folder.rglob("*"):
            assert path.is_dir() or b"zenith" not in path.read_bytes(), path

        for source in ("kafka", "archive"):
            rapport.stop_workers()
            rapport.workers.clear()
            lose_redis(settings)
            rebuild(settings, "--from", source)
            rapport.start()
            until(rapport, {"ann": 5, "bob": 5, "cleo": 5})
            is_gone()

        rapport.send("web", [visit("bob", 30, "zenith")])
        until(rapport, {"bob": 6})
        is_gone()
        lifted = http.post("/v1/companies/zenith/lift", json={"reason": "has signed again"})
        assert lifted.status_code == 200, lifted.text
        time.sleep(1.5)
        late = {**visit("cleo", 0, "zenith"), "messageId": "cleo-back"}
        rapport.send("web", [late, {**late, "userId": "ann", "messageId": "ann-back", "timestamp": _now()}])
        deadline = time.monotonic() + 120
        while companies() != ["bolt", "zenith"]:
            assert time.monotonic() < deadline, json.dumps(http.get("/v1/companies").json())
            time.sleep(0.2)
        until_cases({"bolt", "zenith"})
        assert cases()["zenith"][0] != zeniths[0]
        (member,) = http.get("/v1/companies/zenith/members").json()["data"]
        assert (member["profile"], member["events"]) == (http.get("/v1/profiles/user_id:ann").json()["id"], 1)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time()))
