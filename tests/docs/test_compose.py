"""docker-compose.yml: no key of git on a port, and `.env.example` makes all that it requires."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from console.http.reach_of_others import require_own_keys
from plan import load_plan
from streams.settings import Settings
from tests import REPOSITORY

COMPOSE = (REPOSITORY / "docker-compose.yml").read_text()
EXAMPLE = (REPOSITORY / ".env.example").read_text()
REQUIRED = set(re.findall(r"\$\{(RAPPORT_\w+):\?", COMPOSE))


def steps(text: str) -> str:
    """The loop that makes `.env`."""
    lines = text.replace("\n#   ", "\n").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("( umask "))
    return "\n".join(lines[first : first + 3])


def test_every_key_is_required_and_none_has_a_default() -> None:
    """Of API, identities and each source that the shipped plan has."""
    sources = load_plan(REPOSITORY / "tracking_plan.yaml", {}).sources
    keys = {f"RAPPORT_WRITE_KEY_{name.upper()}" for name in sources}

    assert {"RAPPORT_API_TOKEN", "RAPPORT_PII_KEY", *keys} == REQUIRED
    assert re.findall(r"^(RAPPORT_\w+)=$", EXAMPLE, re.MULTILINE) == re.findall(
        r"^(RAPPORT_\w+)=", EXAMPLE, re.MULTILINE
    )
    assert not re.search(r"\$\{RAPPORT_\w*(KEY|TOKEN)\w*:-[^}]", COMPOSE)


def test_every_role_gets_all_write_keys_and_who_serves_http_the_proxies() -> None:
    """Where the plan has no write keys, no role could read it without these."""
    services = yaml.safe_load(COMPOSE)["services"]
    roles = {name: service["environment"] for name, service in services.items() if service.get("image") == "rapport"}

    assert len(roles) == 8
    for environment in roles.values():
        assert {name for name in REQUIRED if "WRITE_KEY" in name} <= environment.keys()
    assert [name for name, given in roles.items() if "FORWARDED_ALLOW_IPS" in given] == ["collect", "console"]
    assert "RAPPORT_RATE_LIMIT" in roles["collect"]


def test_ports_are_published_on_this_machine_only() -> None:
    services = yaml.safe_load(COMPOSE)["services"]
    published = [port for service in services.values() for port in service.get("ports", [])]

    assert published
    assert all(str(port).startswith("127.0.0.1:") for port in published)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
def test_the_steps_make_keys_that_all_roles_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the README are those of the file."""
    assert steps(EXAMPLE) == steps((REPOSITORY / "README.md").read_text())
    shutil.copy(REPOSITORY / ".env.example", tmp_path)
    subprocess.run(["sh", "-ec", steps(EXAMPLE)], cwd=tmp_path, check=True)

    made = dict(re.findall(r"^(RAPPORT_\w+)=(\w{64})$", (tmp_path / ".env").read_text(), re.MULTILINE))
    assert made.keys() == REQUIRED
    assert len(set(made.values())) == len(made)
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    assert subprocess.run(["sh", "-c", steps(EXAMPLE)], cwd=tmp_path, check=False, capture_output=True).returncode
    assert made == dict(re.findall(r"^(RAPPORT_\w+)=(\w{64})$", (tmp_path / ".env").read_text(), re.MULTILINE))
    for name in [name for name in os.environ if name.startswith("RAPPORT_")]:
        monkeypatch.delenv(name)
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    require_own_keys("0.0.0.0", load_plan(REPOSITORY / "tracking_plan.yaml"))
    assert Settings().pii_key is not None
