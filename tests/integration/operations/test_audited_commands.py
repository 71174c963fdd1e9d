"""What commands change of people, tokens and sources is in the audit trail, by who ran them on this machine."""

from __future__ import annotations

import asyncio
import socket

import pytest
from typer.testing import CliRunner

from console.clients.noting import os_user
from console.commands.main import create_cli
from plan import load_plan
from streams.audit.trail import AuditRow, AuditTrail
from streams.kafka.admin import ensure_topics
from streams.kafka.log import KafkaLog
from streams.kafka.output import BatchProducer
from streams.settings import Settings
from tests.conftest import MakeSettings
from tests.integration.rapport import PLAN, environment

PASSWORD = "a long enough password"


def rapport(settings: Settings, *arguments: str, text: str = "") -> str:
    done = CliRunner().invoke(create_cli(), list(arguments), env=environment(settings), input=text)
    assert done.exit_code == 0, done.output
    return done.stdout + done.stderr


def written(settings: Settings) -> list[AuditRow]:
    """All rows, the oldest first."""

    async def read() -> list[AuditRow]:
        trail = AuditTrail(BatchProducer(settings), KafkaLog(settings), settings)
        return list(reversed((await trail.newest(100)).rows))

    return asyncio.run(read())


def test_who_changes_people_and_tokens_by_commands_is_in_the_audit_trail(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "kim")  # who typed sudo, not root, has done it
    settings = make_settings(public_url="https://cdp.example.com")
    ensure_topics(settings, load_plan(PLAN, {}))

    rapport(settings, "users", "add", "lee", "--role", "agent")
    rapport(settings, "users", "add", "lee", "--role", "admin")
    rapport(settings, "users", "passwd", "lee", "--stdin", text=f"{PASSWORD}\n")
    rapport(settings, "users", "list")
    link = rapport(settings, "users", "link", "lee")
    token = rapport(settings, "tokens", "add", "crm", "--scope", "profiles:read")
    rapport(settings, "tokens", "revoke", "crm")
    rapport(settings, "users", "disable", "lee", "--even-the-last")
    rapport(settings, "users", "enable", "lee")
    rapport(settings, "users", "remove", "lee", "--even-the-last")

    assert link.startswith("https://cdp.example.com/sign-in/")
    rows = written(settings)
    id_ = token.split("_")[1]
    assert [(row.action, row.object, row.fields) for row in rows] == [
        ("user.add", "lee", ("agent",)),
        ("user.change", "lee", ("admin",)),
        ("user.password", "lee", ()),
        ("user.link", "lee", ()),
        ("token.add", id_, ("profiles:read",)),
        ("token.revoke", id_, ()),
        ("user.change", "lee", ("disabled",)),
        ("user.change", "lee", ("enabled",)),
        ("user.remove", "lee", ()),
    ]
    assert {(row.actor, row.via, row.address) for row in rows} == {("kim", "command", socket.gethostname())}
    secrets = (PASSWORD, link.split("/sign-in/")[1].split()[0], token.split("_")[2].split()[0])
    assert not [secret for secret in secrets if secret in str(rows)]


def test_what_is_refused_is_not_told_as_done(make_settings: MakeSettings) -> None:
    settings = make_settings()
    ensure_topics(settings, load_plan(PLAN, {}))

    done = CliRunner().invoke(create_cli(), ["users", "disable", "nobody"], env=environment(settings))

    assert done.exit_code == 1
    assert written(settings) == []


def test_somebody_is_let_out_though_kafka_is_away_and_told_that_the_trail_lacks_it(make_settings: MakeSettings) -> None:
    settings = make_settings(kafka="127.0.0.1:1")
    rapport(settings, "users", "add", "lee", "--role", "agent")

    said = rapport(settings, "users", "disable", "lee")

    assert "lee is out" in said
    assert said.count("the audit log lacks it: Kafka does not answer") == 1


def test_somebody_without_a_name_on_the_machine_is_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr("getpass.getuser", nameless)

    assert os_user().startswith("uid ")
