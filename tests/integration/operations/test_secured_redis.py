"""A Redis that speaks TLS alone, asks for a certificate, and lets the user in who is described in the documentation."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.commands.main import create_cli
from console.local.process import Reaper
from console.local.resp import ask_redis
from profiles.errors import Misconfigured
from profiles.store import Changes, Reader
from profiles.stores import open_stores
from profiles.stores.health import require_healthy
from profiles.stores.setup import check_setup, inspect_redis
from profiles.types import Profile, Score, partition_of, profile_id
from streams.settings import Settings
from tests import REPOSITORY
from tests.integration.rapport import PLAN, environment, running
from tests.servers.certificates import Authority
from tests.servers.secured import SecuredRedis, SecuredRedisCluster, redis_with_tls
from tests.work import Waiting

MakeSettings = Callable[..., Settings]
KEY = b"k" * 32
NAMESPACE = uuid.uuid4()


def documented_rules() -> str:
    """What docs/operations.md says that the user must be allowed."""
    text = (REPOSITORY / "docs" / "operations.md").read_text()
    found = re.search(r"^ACL SETUSER rapport on >PASSWORD (.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return " ".join(found[1].split())


@pytest.fixture(scope="module")
def binary() -> Path:
    """A redis-server that can TLS."""
    found = redis_with_tls()
    if found is None:
        pytest.skip("no redis-server here was built with TLS (apt install redis-server brings one)")
    return found


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, binary: Path, reaper: Reaper) -> Iterator[SecuredRedis]:
    """One node."""
    server = SecuredRedis(tmp_path_factory.mktemp("secured-redis"), binary, documented_rules(), reaper=reaper)
    server.start()
    server.ready(20)
    yield server
    server.stop()


@pytest.fixture
def cluster(tmp_path: Path, binary: Path, reaper: Reaper) -> Iterator[SecuredRedisCluster]:
    """Three masters."""
    servers = SecuredRedisCluster(tmp_path / "secured-cluster", binary, documented_rules(), reaper=reaper)
    servers.start()
    yield servers
    servers.stop()


def test_everything_runs_over_tls_as_the_documented_user(
    make_settings: MakeSettings, secured: SecuredRedis, tmp_path: Path
) -> None:
    """Workers start and apply events; the doctor says how it came in; commands and a rebuild's check work as well."""
    settings = make_settings(plan=PLAN, redis=secured.url, **secured.guard.certificates)
    with running(settings, tmp_path) as rapport:
        event = {"type": "track", "event": "Product Viewed", "userId": "ada", "messageId": "m1"}
        rapport.send("web", [event | {"timestamp": "2026-01-01T10:00:00Z", "properties": {"product_id": "p"}}])

        async def seen(reader: Reader) -> bool:
            return await reader.profile(await reader.resolve(("user_id", "ada"))) is not None

        rapport.until(seen, "the event to be applied", timeout=180)
        variables = environment(rapport.settings)
        checked = CliRunner().invoke(create_cli(), ["doctor", "--json"], env=variables)
        told = {finding["what"]: finding for finding in json.loads(checked.output)}
        version = told["Redis"]["message"]
        assert version.endswith("; TLS with a certificate of ours, as user rapport"), version
        assert told["Redis"]["verdict"] == "ok"
        assert told["workers"]["verdict"] == "ok"
        for command in (["source", "list", "--json"], ["rebuild", "--check", "--json"]):
            done = CliRunner().invoke(create_cli(), command, env=variables)
            assert done.exit_code == 0, done.output
    ended = CliRunner().invoke(create_cli(), ["rebuild", "--replace", "--wait", "--yes", "--json"], env=variables)
    assert ended.exit_code == 0, ended.output


def test_a_cluster_is_reached_over_tls_as_the_documented_user(
    cluster: SecuredRedisCluster, make_settings: MakeSettings
) -> None:
    """Setup, commits, lists, and the look at what is allowed, by addresses that the certificates do not name."""
    settings = make_settings(
        plan=PLAN, redis=cluster.url, kafka="none:1", redis_check_hostname=False, **cluster.guard.certificates
    )
    url = settings.redis.get_secret_value()

    async def test() -> None:
        stores = open_stores(url, NAMESPACE, 4)
        await require_healthy(stores.client, require_aof=True)
        await check_setup(stores.client, partitions=4, namespace=NAMESPACE, pii_key=KEY, segments=["vip"])
        for number in range(8):
            id_ = profile_id(NAMESPACE, ("user_id", str(number)))
            partition = partition_of(id_, 4)
            loaded = await stores.profiles.load(partition, [])
            profile = Profile(id_, score=Score(number / 10, "low", 1.0, "m"))
            await stores.profiles.commit(partition, Changes(loaded.version, profiles=[profile]))
        assert len((await stores.reader.by_risk())[0]) == 8
        assert await stores.reader.segment_sizes() == {"vip": 0}
        await stores.close()

    asyncio.run(test())
    facts = asyncio.run(inspect_redis(url))
    assert (facts.reached, facts.problems) == ("TLS with a certificate of ours, as user rapport", [])


REFUSALS = {
    "wrong password": "does not take the user or the password",
    "no password": "asks for a user and a password",
    "no certificate": "asks for a certificate of ours",
    "another authority": "set RAPPORT_REDIS_CA",
    "another name": "names another host",
    "a permission that is missing": r"refuses what Rapport needs \(.*zmscore.*docs/operations.md",
    "a key that is missing": r"refuses what Rapport needs \(.*keys?.*docs/operations.md",
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_redis_refuses_is_one_sentence_within_five_seconds(
    secured: SecuredRedis, make_settings: MakeSettings, tmp_path: Path, case: str
) -> None:
    """To a worker that starts and to the doctor; never with the password in it."""
    url, certificates = secured.url, dict(secured.guard.certificates)
    host = f"localhost:{secured.port}/0"
    if case == "wrong password":
        url = f"rediss://rapport:wrong-secret@{host}"
    elif case == "no password":
        url = f"rediss://{host}"
    elif case == "no certificate":
        certificates = {"redis_ca": certificates["redis_ca"]}
    elif case == "another authority":
        certificates["redis_ca"] = Authority(tmp_path / "another").file
    elif case == "another name":
        url = url.replace("localhost", "127.0.0.1")
    else:
        less = "-zmscore" if "permission" in case else "resetkeys ~{p[0-9][0-9][0-9]}:* ~rapport:*"
        ask_redis(secured.admin, ["ACL", "SETUSER", "less", "on", ">less", *documented_rules().split(), *less.split()])
        url = f"rediss://less:less@{host}"
    settings = make_settings(plan=PLAN, redis=url, kafka="none:1", **certificates)

    async def start() -> None:
        stores = open_stores(settings.redis.get_secret_value(), NAMESPACE, 4)
        try:
            await require_healthy(stores.client)
        finally:
            await stores.close()

    def look() -> None:
        facts = asyncio.run(inspect_redis(settings.redis.get_secret_value()))
        raise Misconfigured("\n".join(problem.message for problem in facts.problems))

    for action in (lambda: asyncio.run(start()), look):
        with Waiting() as waiting, pytest.raises(Misconfigured, match=REFUSALS[case]) as told:
            action()
        assert waiting.seconds < 5
        assert "\n" not in str(told.value)
        assert "secret" not in str(told.value)
