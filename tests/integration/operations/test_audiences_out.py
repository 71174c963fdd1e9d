"""Audiences as tables by a real process on real Kafka and Redis, killed in mid-write, and compared with the store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from models.labels.treatment import held_out
from profiles.store import Reader
from profiles.stores.connection import connect
from profiles.stores.keys import Keys
from profiles.types import partition_of
from streams.settings import Settings
from tests import REPOSITORY
from tests.integration.rapport import PLAN, Rapport, environment, order, recently, running

USERS = 1500
SEGMENT = "  - {name: buyers, when: {count: purchase, at_least: 1}}\n"
SPEC = "audiences: {segments: [buyers], identities: {user_id: plain}, every: 10s}\n"


class Tables:
    """`rapport audiences`, and what it has written."""

    def __init__(self, rapport: Rapport, folder: Path) -> None:
        self.folder = folder / "audiences" / "buyers"
        self.root = folder
        self._env = {**os.environ, **environment(rapport.settings), "PYTHONPATH": str(REPOSITORY)}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", "console", "audiences", *arguments, "--to", str(self.root), "--json"]
        return subprocess.Popen(command, env=self._env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        process = self.start(*arguments)
        said, wrong = process.communicate(timeout=120)
        assert process.returncode == code, wrong
        return list(json.loads(said))

    def latest(self) -> dict[str, Any]:
        file = self.folder / "latest.json"
        return dict(json.loads(file.read_bytes())) if file.exists() else {"number": 0}

    def versions(self) -> set[str]:
        return {file.name for file in self.folder.glob("_versions/*.json")}

    def members(self) -> set[str]:
        return set(pq.read_table(self.root / self.latest()["members"])["profile"].to_pylist())

    def kill_in_mid_write(self) -> None:
        """SIGKILL between the first byte of the next version and its last."""
        for _ in range(20):
            before = self.versions()
            known = set(self.folder.glob("*members-*"))
            process = self.start("write", "--once")
            while not set(self.folder.glob("*members-*")) - known and process.poll() is None:
                time.sleep(0.0005)
            process.kill()
            process.communicate()
            if self.versions() == before and set(self.folder.glob("*members-*")) - known:
                return
            assert self.versions() == before, "it was too fast to be killed"
        raise AssertionError("no kill was in mid-write")


def denies(user: str) -> dict[str, Any]:
    return {
        "type": "identify", "userId": user, "messageId": f"{user}-denies", "timestamp": recently(1, 2),
        "traits": {"outreach_consent": False},
    }  # fmt: skip


def test_a_table_is_whole_and_as_the_store_is_over_kills_in_mid_write(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN.read_text().replace("\nsegments:\n", f"\n{SPEC}segments:\n{SEGMENT}", 1))
    users = [f"u{number}" for number in range(USERS)]
    with running(make_settings(plan=plan), tmp_path) as rapport:
        tables = Tables(rapport, tmp_path / "out")

        async def ids(reader: Reader) -> dict[str, str]:
            return {user: await reader.resolve(("user_id", user)) for user in users}

        def until_in(count: int) -> None:
            async def are_in(reader: Reader) -> bool:
                return (await reader.segment_sizes()).get("buyers") == count

            rapport.until(are_in, f"{count} to be in the segment")

        rapport.send("purchase", [order(user, 1, recently(1, 4)) for user in users[:-10]])
        until_in(USERS - 10)
        known = rapport.read(ids)
        share = rapport.plan.churn.hold_out
        told = [user for user in users if not held_out(known[user], share)]
        first, come = [user for user in told if user in users[:-10]], [user for user in told if user in users[-10:]]
        left, lost = first[:5], known[first[7]]
        assert come
        assert len(told) < USERS

        # The first version: killed, then whole.
        tables.kill_in_mid_write()
        assert tables.latest()["number"] == 0
        (done,) = tables.run("write", "--once")
        assert (done["outcome"], done["version"], done["rows"]) == ("anew", 1, len(first))
        assert tables.members() == {known[user] for user in first}

        # Ten come, five do not want to be reached any more; killed again, and readers still have the first.
        rapport.send("purchase", [order(user, 1, recently(1, 3)) for user in users[-10:]])
        rapport.send("purchase", [denies(user) for user in left])
        until_in(USERS)

        async def have_denied(reader: Reader) -> bool:
            found = await reader.profiles([known[user] for user in left])
            return all("consent.outreach" in profile.traits for profile in found.values())

        rapport.until(have_denied, "five to have denied")
        tables.kill_in_mid_write()
        assert tables.latest()["number"] == 1
        assert tables.members() == {known[user] for user in first}
        (done,) = tables.run("write", "--once")
        assert (done["entered"], done["left"], done["changed"], done["version"]) == (len(come), 5, 0, 2)
        assert tables.members() == {known[user] for user in told} - {known[user] for user in left}
        (kept,) = tables.latest()["changes"]
        changes = pq.read_table(tables.root / kept["path"]).to_pylist()
        assert {(row["profile"], row["change"], row["reason"]) for row in changes} == {
            *((known[user], "entered", None) for user in come),
            *((known[user], "left", "outreach") for user in left),
        }
        # Nothing is left of the kills but what the two versions need.
        assert len(list(tables.folder.glob("*members-*")) + list(tables.folder.glob(".*"))) == 2

        # Somebody is missing in the store's index of members: only a look at all customers finds that.
        assert [each["missing"] for each in tables.run("check")] == [0]

        async def lose() -> None:
            client = connect(rapport.settings.redis.get_secret_value())
            keys = Keys.of(partition_of(lost, rapport.settings.partitions))
            assert await client.zrem(keys.segment("buyers"), lost)
            await client.aclose()

        async def losing(_: Reader) -> None:
            await lose()

        rapport.read(losing)
        members = tables.folder / "_versions"
        for file in [*members.glob("*"), *tables.folder.glob("*.parquet"), tables.folder / "latest.json"]:
            file.unlink()  # a table that is begun anew does not have them
        (done,) = tables.run("write", "--once")
        assert done["rows"] == len(told) - 6
        (checked,) = tables.run("check", code=1)
        assert (checked["missing"], checked["extra"], checked["who"]) == (1, 0, [lost])
        assert lost in tables.members()

        # Beside it runs what looks each ten seconds; it ends when it is told to.
        process = tables.start("write")
        back = left[0]
        rapport.send(
            "purchase",
            [denies(back) | {"messageId": "again", "timestamp": recently(1), "traits": {"outreach_consent": True}}],
        )
        deadline = time.monotonic() + 120
        while known[back] not in tables.members() and time.monotonic() < deadline:
            time.sleep(0.2)
        process.terminate()
        said, wrong = process.communicate(timeout=20)
        assert process.returncode == 0, wrong
        assert tables.members() == {known[user] for user in told} - {known[user] for user in left[1:]}, said
