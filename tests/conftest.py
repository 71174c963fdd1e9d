"""Fixtures: real servers (see tests/servers), and settings that share nothing with any other test."""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pydantic import SecretStr

from console.local.process import Reaper
from console.local.resp import ask_redis
from streams.settings import Settings
from tests import ON_SERVERS, REPOSITORY
from tests.ordering import long_first
from tests.servers import (
    Candidate,
    KafkaServer,
    RedisCluster,
    RedisServer,
    SecuredKafka,
    first_that_runs,
    kafka_candidates,
    local_kafka,
    redis_candidates,
    shared_kafka,
)
from tests.servers.apache import why_no_kafka
from tests.servers.given import describe_kafka

pytest_plugins = ["tests.leftovers", "tests.plans", "tests.reach"]

# Properties are tried with the same examples every time, however busy the machine is; with others each time where a
# longer search is asked for (CONTRIBUTING.md).
hypothesis_settings.register_profile(
    "rapport",
    derandomize="RAPPORT_FUZZ_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("rapport")

MakeSettings = Callable[..., Settings]

MARKS = {
    "kafka": ["kafka"],
    "own_kafka": ["kafka"],
    "secured_kafka": ["kafka", "apache"],
    "apache_kafka": ["kafka", "apache"],
    "redis_url": ["redis"],
    "own_redis": ["redis"],
    "redis_cluster": ["redis"],
    "make_settings": ["kafka", "redis"],
}
PARAMS = {"redis": ["redis"], "cluster": ["redis"], "kafka": ["kafka", "apache"], "kafka-once": ["kafka", "apache"]}
"""Of contract tests, which ask for a server by what they are tried on."""

QUICK = ("analyses", "contracts", "docs", "models", "properties", "unit")
DATABASES = itertools.count()


def pytest_configure() -> None:
    """Forget the width of the terminal: rich's consoles keep the one they are made with, whatever a test says later."""
    os.environ.pop("COLUMNS", None)


def pytest_report_header() -> list[str]:
    """Which servers the tests are going to use."""
    return [f"servers: Kafka: {kafka_candidates()[0].name}; Redis: {redis_candidates()[0].name}"]


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Mark tests by the servers that they ask for (`-m 'not kafka'`), and those that need none as quick; order them."""
    _leave_for_the_night(config, items)
    _mark(items)
    yield  # others leave out what was not asked for
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = long_first(items, workers)


def _leave_for_the_night(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked `nightly`, whatever else is asked for, unless `-m` names it."""
    if "nightly" in config.getoption("markexpr", ""):
        return
    left = [item for item in items if item.get_closest_marker("nightly")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if not item.get_closest_marker("nightly")]


def _mark(items: list[pytest.Item]) -> None:
    for item in items:
        marks = {mark for fixture in getattr(item, "fixturenames", ()) for mark in MARKS.get(fixture, ())}
        folder = item.path.relative_to(REPOSITORY / "tests").parts[0]
        params = item.callspec.params.values() if folder == "contracts" and hasattr(item, "callspec") else ()
        marks |= {mark for param in params if isinstance(param, str) for mark in PARAMS.get(param, ())}
        for mark in marks:
            item.add_marker(mark)
        if folder in QUICK and not marks and not any(map(item.get_closest_marker, ("slow", "node"))):
            item.add_marker("quick")
        elif folder not in ON_SERVERS and (marks or not item.get_closest_marker("slow")):
            raise pytest.UsageError(f"{item.nodeid} needs a server: `.ci/run` looks for those in {ON_SERVERS}")


@pytest.fixture(scope="session")
def reaper() -> Iterator[Reaper]:
    """Ends our servers even if this process is killed."""
    with Reaper() as guard:
        yield guard


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory, reaper: Reaper) -> Iterator[KafkaServer]:
    """The Kafka that the tests share, in all processes of the run: do not stop or kill it (see `own_kafka`)."""

    def start() -> KafkaServer:
        _, server, reasons = first_that_runs(kafka_candidates(), tmp_path_factory.mktemp("kafka"), reaper)
        _say_why(reasons)
        return server

    own = tmp_path_factory.getbasetemp()
    with shared_kafka(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own, reaper, start) as server:
        yield server


@pytest.fixture(scope="session")
def kafka(kafka_server: KafkaServer) -> str:
    """Bootstrap servers of the shared Kafka."""
    return kafka_server.bootstrap


@pytest.fixture(scope="session")
def apache_kafka(kafka: str) -> str:
    """Bootstrap servers of the shared Kafka if it is Apache Kafka itself; else the test is skipped.

    RAPPORT_TEST_REQUIRE=apache makes that a failure.
    """
    described = describe_kafka(kafka, timeout=10) or {}
    if described.get("cluster_id") == "tansu_cluster":
        reason = "needs Apache Kafka itself, and this is the embedded broker (Java 17 and Maven, or Docker, would do)"
        if os.environ.get("RAPPORT_TEST_REQUIRE") == "apache":
            pytest.fail(reason)
        pytest.skip(reason)
    return kafka


@pytest.fixture(scope="session")
def secured_kafka(tmp_path_factory: pytest.TempPathFactory, reaper: Reaper) -> Iterator[SecuredKafka]:
    """A Kafka with listeners that ask who calls; needs a local Java. Do not stop or kill it."""
    if (reason := why_no_kafka()) is not None:
        if os.environ.get("RAPPORT_TEST_REQUIRE") == "apache":
            pytest.fail(reason)
        pytest.skip(reason)
    server = SecuredKafka(tmp_path_factory.mktemp("secured-kafka"), reaper=reaper)
    server.start()
    try:
        server.ready(60)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory, reaper: Reaper) -> Iterator[RedisServer]:
    """The Redis that the tests share: do not stop or kill it (see `own_redis`)."""
    _, server, reasons = first_that_runs(redis_candidates(), tmp_path_factory.mktemp("redis"), reaper)
    _say_why(reasons)
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """URL of an empty database of the shared Redis, this test's own."""
    url = redis_server.url
    if "RAPPORT_TEST_REDIS" not in os.environ:  # in somebody else's, we touch the named database only
        url = urlsplit(url)._replace(path=f"/{next(DATABASES) % 16}").geturl()
    ask_redis(url, ["FLUSHDB"], timeout=30)
    return url


@pytest.fixture(scope="session")
def _cluster(tmp_path_factory: pytest.TempPathFactory, reaper: Reaper) -> Iterator[RedisCluster]:
    cluster = RedisCluster(tmp_path_factory.mktemp("redis-cluster"), reaper=reaper)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def redis_cluster(_cluster: RedisCluster) -> RedisCluster:
    """A real Redis Cluster of three masters, emptied for this test. Its `url` is what RAPPORT_REDIS takes."""
    _cluster.empty()
    return _cluster


@pytest.fixture
def own_kafka(tmp_path: Path, reaper: Reaper) -> Iterator[KafkaServer]:
    """A Kafka of this test alone, to kill, pause and restart. Apache's if possible."""
    yield from _own(local_kafka(), tmp_path / "own-kafka", reaper)


@pytest.fixture
def own_redis(tmp_path: Path, reaper: Reaper) -> Iterator[RedisServer]:
    """A Redis of this test alone, with an append-only file, to kill, pause and restart."""
    yield from _own(redis_candidates({"RAPPORT_TEST_SKIP_SERVERS": "docker"}), tmp_path / "own-redis", reaper)


@pytest.fixture
def make_settings(tmp_path: Path, request: pytest.FixtureRequest) -> MakeSettings:
    """Makes settings: the shared servers, but topics, consumer group and database of this test alone.

    All settings of one test share them, so two calls describe two processes of one Rapport.
    """
    name = f"t{uuid.uuid4().hex[:10]}"

    def make(**overrides: Any) -> Settings:
        values: dict[str, Any] = {"topic_prefix": f"{name}.", "group": name, "partitions": 4, "session_timeout": 6.0}
        if "kafka" not in overrides:
            values["kafka"] = request.getfixturevalue("kafka")
        if "redis" not in overrides:
            values["redis"] = request.getfixturevalue("redis_url")
        values |= {"port": 0, "api_token": "token-of-the-tests", **overrides}
        for secret in ("redis", "api_token"):
            if isinstance(values[secret], str):
                values[secret] = SecretStr(values[secret])
        return Settings(**values)

    return make


def _own(candidates: list[Candidate[Any]], directory: Path, reaper: Reaper) -> Iterator[Any]:
    _, server, reasons = first_that_runs(candidates, directory, reaper)
    _say_why(reasons)
    yield server
    server.stop()


def _say_why(reasons: list[str]) -> None:
    for reason in reasons:
        print(f"\nserver not used: {reason}")  # noqa: T201  (pytest shows it where it matters)
