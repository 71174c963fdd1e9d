"""A Kafka that asks who calls: every role and command gets in as the settings say, or is told in a sentence why not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka import TopicPartition
from typer.testing import CliRunner

from console.commands.main import create_cli
from console.local.process import free_port
from plan import load_plan
from profiles.errors import Misconfigured
from streams.kafka.admin import ensure_topics
from streams.kafka.admission import Refused, Unreachable
from streams.kafka.client import async_consumer, async_producer, blocking_admin, blocking_consumer
from streams.settings import Settings
from tests.integration.rapport import PLAN, REPOSITORY, environment
from tests.servers import SecuredKafka
from tests.work import Waiting

MakeSettings = Callable[..., Settings]

TOKEN = """
import base64, json, sys, time
def part(value): return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
now = time.time()
print(part({"alg": "none"}) + "." + part({"sub": "rapport", "iat": now - 600, "exp": now + float(sys.argv[1])}) + ".")
"""


def token_command(place: Path, life: float) -> str:
    """A command that prints an unsigned token, as Kafka takes them in tests."""
    script = place / "token.py"
    script.write_text(TOKEN)
    return f"{sys.executable} -I {script} {life}"


def works(settings: Settings) -> None:
    """Clients of both libraries get an answer, and a record through."""
    ensure_topics(settings, load_plan(PLAN, {}))
    topic = settings.topic_prefix + "events.web"

    async def through() -> bytes:
        async with async_producer(settings) as producer:
            await producer.send_and_wait(topic, b"one", partition=0)
        async with async_consumer(settings, topic, reset="earliest") as consumer:
            return (await asyncio.wait_for(anext(consumer), 60)).value

    assert asyncio.run(through()) == b"one"
    admin, consumer = blocking_admin(settings), blocking_consumer(settings)
    try:
        assert topic in admin.list_topics()
        assert consumer.end_offsets([TopicPartition(topic, 0)]) == {TopicPartition(topic, 0): 1}
    finally:
        admin.close()
        consumer.close()


@pytest.mark.parametrize("listener", ["LOGIN", "CLEAR"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_user_and_password(
    secured_kafka: SecuredKafka, make_settings: MakeSettings, mechanism: str, listener: str
) -> None:
    works(make_settings(**secured_kafka.login(mechanism, listener)))


def test_a_token_of_a_command(secured_kafka: SecuredKafka, make_settings: MakeSettings, tmp_path: Path) -> None:
    given = secured_kafka.listener("LOGIN", kafka_sasl_mechanism="OAUTHBEARER")
    works(make_settings(**given, kafka_token_command=token_command(tmp_path, 300)))
    with pytest.raises(Refused, match="RAPPORT_KAFKA_TOKEN_COMMAND"):
        blocking_admin(make_settings(**given, kafka_token_command=token_command(tmp_path, -300)))
    with pytest.raises(Misconfigured, match="fails with status 1"):
        blocking_admin(make_settings(**given, kafka_token_command="false"))


def test_mutual_tls(secured_kafka: SecuredKafka, make_settings: MakeSettings) -> None:
    ours = secured_kafka.client
    given = secured_kafka.listener("MUTUAL", kafka_key_password="of the key")
    works(make_settings(**given, kafka_certificate=ours.certificate, kafka_key=ours.key))
    works(make_settings(**given, kafka_certificate=ours.both, topic_prefix=f"{uuid.uuid4().hex}."))
    another = given | {"kafka_certificate": ours.both, "kafka_key_password": "another"}
    with pytest.raises(Misconfigured, match="RAPPORT_KAFKA_KEY_PASSWORD"):
        blocking_admin(make_settings(**another))


REFUSED = {
    "no certificate": (lambda k: k.listener("MUTUAL"), Refused, "RAPPORT_KAFKA_CERTIFICATE"),
    "unknown authority": (lambda k: k.login("PLAIN", kafka_ca=None), Refused, "RAPPORT_KAFKA_CA"),
    "another host": (
        lambda k: k.login("PLAIN", kafka=f"127.0.0.1:{k.ports['LOGIN']}"), Refused, "RAPPORT_KAFKA_CHECK_HOSTNAME",
    ),
    "no SASL there": (lambda k: k.login("PLAIN", "CLEAR", kafka=k.bootstrap), Refused, "wants no SASL"),
    "no TLS there": (lambda k: k.login("PLAIN", kafka=k.bootstrap), Unreachable, "RAPPORT_KAFKA_SECURITY_PROTOCOL"),
    "TLS there": (
        lambda k: {"kafka": f"localhost:{k.ports['LOGIN']}"}, Unreachable, "RAPPORT_KAFKA_SECURITY_PROTOCOL",
    ),
    "SASL there": (
        lambda k: {"kafka": f"localhost:{k.ports['CLEAR']}"}, Unreachable, "RAPPORT_KAFKA_SECURITY_PROTOCOL",
    ),
    "not a file of certificates": (lambda k: k.login("PLAIN", kafka_ca=PLAN), Misconfigured, "RAPPORT_KAFKA_CA"),
    "no file": (lambda k: k.login("PLAIN", kafka_ca=Path("/no/such")), Misconfigured, "RAPPORT_KAFKA_CA"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_kafka_does_not_take_is_told_with_the_variable_to_look_at(secured_kafka: SecuredKafka, case: str) -> None:
    given, kind, variable = REFUSED[case]
    with Waiting() as waiting, pytest.raises(kind) as caught:
        blocking_admin(Settings(**given(secured_kafka)))
    assert waiting.seconds < 5
    assert variable in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_host_name_need_not_be_checked(secured_kafka: SecuredKafka) -> None:
    given = secured_kafka.login("PLAIN", kafka=f"127.0.0.1:{secured_kafka.ports['LOGIN']}", kafka_check_hostname=False)
    blocking_admin(Settings(**given)).close()


@contextlib.contextmanager
def role(name: str, settings: Settings, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A role as a process of its own."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "console", name],
            env={**os.environ, **environment(settings), "PYTHONPATH": str(REPOSITORY)},
            stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def command(settings: Settings, *arguments: str, status: int = 0) -> str:
    """What a command prints."""
    result = CliRunner().invoke(create_cli(), list(arguments), env=environment(settings))
    assert result.exit_code == status, result.output
    return result.output


def until(there: Callable[[], bool], logs: Path, timeout: float = 180.0) -> None:
    deadline = time.monotonic() + timeout
    while not there():
        said = "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in logs.glob("*.log"))
        assert time.monotonic() < deadline, said
        time.sleep(0.3)


def answer(method: str, url: str, **more: Any) -> httpx.Response | None:
    with contextlib.suppress(httpx.TransportError):
        return httpx.request(method, url, timeout=10, **more)
    return None


def test_from_the_collector_to_the_profile_over_tls_and_scram(
    secured_kafka: SecuredKafka, make_settings: MakeSettings, tmp_path: Path
) -> None:
    given = secured_kafka.login("SCRAM-SHA-512") | {"plan": PLAN, "archive": str(tmp_path / "archive")}
    settings = make_settings(**given)
    ports = {name: free_port() for name in ("collect", "console")}
    with contextlib.ExitStack() as roles:
        roles.enter_context(role("work", settings, tmp_path / "work.log"))
        for name, port in ports.items():
            at = settings.model_copy(update={"port": port})
            roles.enter_context(role(name, at, tmp_path / f"{name}.log"))
        collector, api = (f"http://127.0.0.1:{port}" for port in ports.values())
        for url in (collector, api):
            until(lambda url=url: (a := answer("GET", f"{url}/ready")) is not None and a.status_code == 200, tmp_path)
        event = {"type": "track", "event": "Product Viewed", "userId": "42", "properties": {"product_id": "p1"}}
        sent = answer("POST", f"{collector}/v1/track", json=event, auth=("dev-web-key", ""))
        assert sent is not None
        assert sent.status_code == 200

        def known() -> bool:
            token = {"Authorization": "Bearer token-of-the-tests"}
            found = answer("GET", f"{api}/v1/profiles/user_id:42", headers=token)
            return found is not None and found.status_code == 200

        until(known, tmp_path)
        said = command(settings, "doctor", "--json")
        assert "by SASL_SSL, SCRAM-SHA-512, as rapport" in said
        assert secured_kafka.password not in said
        command(settings, "archive", "--once")
        assert list((tmp_path / "archive").rglob("*.parquet"))
        command(settings, "rejected", "list")
    logs = "\n".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert secured_kafka.password not in logs
    assert " ERROR " not in logs
    assert " CRITICAL " not in logs


@pytest.mark.parametrize("name", ["work", "collect", "console"])
def test_a_wrong_password_ends_a_role_with_a_sentence(
    secured_kafka: SecuredKafka, make_settings: MakeSettings, tmp_path: Path, name: str
) -> None:
    given = secured_kafka.login("SCRAM-SHA-256", kafka_password="wrong one") | {"plan": PLAN}
    log = tmp_path / "role.log"
    with role(name, make_settings(**given), log) as process:
        assert process.wait(30) not in (0, None)
    said = log.read_text()
    assert said.count("does not let user rapport in by SCRAM-SHA-256: check RAPPORT_KAFKA_USERNAME") == 1
    assert "Traceback" not in said
    assert "wrong one" not in said
    told = [line for line in said.splitlines() if "write keys" not in line]  # the shipped plan's, before it connects
    assert len(told) <= 3, said


def test_a_wrong_password_is_a_finding_of_the_doctor(secured_kafka: SecuredKafka, make_settings: MakeSettings) -> None:
    given = secured_kafka.login("SCRAM-SHA-256", kafka_password="wrong one") | {"plan": PLAN}
    with Waiting() as waiting:
        said = command(make_settings(**given), "doctor", "--json", status=1)
    assert waiting.seconds < 5
    [finding] = [finding for finding in json.loads(said) if finding["what"] == "Kafka"]
    assert finding["verdict"] == "error"
    assert "does not let user rapport in by SCRAM-SHA-256" in finding["message"]


def test_a_kafka_that_is_away_is_told_once_and_waited_for(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings(kafka=f"127.0.0.1:{free_port()}", plan=PLAN, port=free_port())
    with role("work", settings, tmp_path / "work.log") as worker, role("collect", settings, tmp_path / "collect.log"):
        until(lambda: "does not answer" in (tmp_path / "work.log").read_text(), tmp_path)
        until(lambda: "does not answer" in (tmp_path / "collect.log").read_text(), tmp_path)
        assert worker.wait(60) != 0
        said = answer("GET", f"http://127.0.0.1:{settings.port}/ready")
        assert said is not None
        assert said.status_code == 503
    assert (tmp_path / "work.log").read_text().count("does not answer") == 2  # when it begins to wait, and at the end
    assert (tmp_path / "collect.log").read_text().count("does not answer") == 1
