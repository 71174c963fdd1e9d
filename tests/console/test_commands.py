"""Every command of `rapport` alike: its help, its manners, and what it says when nobody answers."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from analysis.registry import analyses
from console.commands.main import create_cli
from tests import REPOSITORY
from tests.work import Waiting

APP = create_cli()

EVENT = '{"type":"track","event":"Product Viewed","userId":"u","timestamp":"2026-01-01T00:00:00Z","source":"web"}\n'

ARGUMENTS = {
    "up": "--kafka 127.0.0.1:1 --redis redis://127.0.0.1:1/0 --port 0 --data-dir data",
    "load": "events.jsonl --yes",
    "send": "events.jsonl --write-key web=k",
    "profile": "user_id:1",
    "company show": "acme",
    "company join": "acme globex --yes",
    "company unjoin": "globex",
    "company erase": "acme --yes",
    "company lift": "acme --reason back --yes",
    "find": "ada",
    "today": "",
    "mcp": "",
    "alerts list": "",
    "alerts show": "ada",
    "alerts ack": "ada",
    "alerts assign": "ada --to kim",
    "alerts snooze": "ada --until 3d",
    "alerts resolve": "ada --outcome stayed",
    "alerts tail": "",
    "audit": "",
    "companies": "",
    "erase": "user_id:1 --yes",
    "export": "user_id:1",
    "doctor": "",
    "adopt-kafka": "--yes",
    "rebuild": "--yes",
    "replay": "--source web --since 2d",
    "demo": "--once --write-key k",
    "work": "",
    "archive": "--once --to history",
    "archive status": "--to history",
    "archive profiles": "--to history --plan plan.yaml",
    "deliver list": "",
    "deliver replay": "crm",
    "deliver enable": "crm",
    "identity show": "user_id:1",
    "identity join": "user_id:1 user_id:2 --yes",
    "identity explain": "user_id:1",
    "identity split": "user_id:1 --yes",
    "identity splits": "",
    "identity refused": "",
    "models horizon": "--live",
    "models list": "",
    "models show": "",
    "models explain": "",
    "models history": "",
    "models promote": "hazard",
    "models rollback": "1",
    "models release": "",
    "models refit": "--once",
    "rejected list": "",
    "rejected show": "0:1",
    "rejected replay": "",
    "audiences write": "--once --to tables --plan plan.yaml",
    "audiences check": "--to tables --plan plan.yaml",
    "segments list": "",
    "segments show": "all",
    "segments preview": "'{risk: above 0.5}'",
    "source list": "",
    "source resume": "web",
    "users list": "",
    "users add": "kim",
    "users enable": "kim",
    "users disable": "kim",
    "users remove": "kim",
    "users link": "kim --url http://127.0.0.1:1",
    "tokens list": "",
    "tokens add": "crm",
    "tokens rotate": "abcdefgh",
    "tokens revoke": "abcdefgh",
}
"""Of every command that talks to a server and ends when it does not answer."""

OFFLINE = {
    "analyse",
    *(f"analyse {name}" for name in analyses()),
    "plan coverage",
    "deliver test",
    "deliver reconcile",
    "backtest",
    "users roles",
    "models features",
    "plan check",
    "plan diff",
    "plan docs",
    "plan new",
    "archive compact",
    "archive upgrade",
    "audiences list",
}
WAITING = {
    "archive": 20,
    "models refit": 20,
    "up": 40,
    "work": 20,
}  # seconds: a Kafka that is starting has 15; `up` waits for a process
ASKING = {"users passwd", "users hash"}  # wants a password before it looks for a server
LISTENING = {"collect", "console", "deliver", "serve"}  # stay, answer 503, and go on when the servers come back

AWAY = {
    "RAPPORT_KAFKA": "127.0.0.1:1", "RAPPORT_REDIS": "redis://127.0.0.1:1/0", "RAPPORT_URL": "http://127.0.0.1:1",
    "COLUMNS": "80",
}  # fmt: skip


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group with its words on the command line."""
    command = command or typer.main.get_command(APP)
    yield path, command
    for name, part in getattr(command, "commands", {}).items():
        yield from commands(part, (*path, name))


ALL = [path for path, _ in commands()]
GROUPS = [path for path, command in commands() if getattr(command, "no_args_is_help", False)]


def rapport(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(APP, list(arguments), env={**AWAY, **environ})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file of events, where no `rapport up` has run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.jsonl").write_text(EVENT)
    shipped = (REPOSITORY / "tracking_plan.yaml").read_text()
    (tmp_path / "plan.yaml").write_text(f"{shipped}\naudiences: {{segments: [at_risk]}}\n")
    return tmp_path


def test_every_command_is_tried_here() -> None:
    known = {" ".join(path) for path in ALL if path not in GROUPS}

    assert known == ARGUMENTS.keys() | OFFLINE | LISTENING | ASKING


@pytest.mark.parametrize("name", ARGUMENTS)
def test_servers_that_are_away_are_one_clear_line_within_five_seconds(here: Path, name: str) -> None:
    with Waiting() as waiting:
        result = rapport(*name.split(), *shlex.split(ARGUMENTS[name]))

    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 1, result.output
    assert waiting.seconds < WAITING.get(name, 6)
    if name == "doctor":  # its findings say it
        assert "does not answer" in " ".join(result.stdout.split())
    else:
        (error,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
        assert "answer" in error
    assert "Traceback" not in result.output


@pytest.mark.parametrize("path", ALL, ids=" ".join)
@pytest.mark.parametrize(("width", "least"), [(80, 20), (60, 12)])
def test_help_is_plain_and_has_room(path: tuple[str, ...], width: int, least: int) -> None:
    """Without Python's types, at most as wide as the terminal, and sentences not in a column of some letters."""
    asked = [rapport(*path, option, COLUMNS=str(width)) for option in ("-h", "--help")]

    assert asked[0].exit_code == 0
    assert asked[0].stdout == asked[1].stdout
    lines = asked[0].stdout.splitlines()
    assert max(map(len, lines)) <= width
    assert not [line for line in lines if "<bool>" in line or "<str>" in line or "<path>" in line or "<int>" in line]
    (said,) = [line.index("Show this") for line in lines if "Show this" in line and "-h " in line]
    assert width - 2 - said >= least


@pytest.mark.parametrize("path", GROUPS, ids=" ".join)
def test_a_group_without_a_command_shows_its_help(path: tuple[str, ...]) -> None:
    result = rapport(*path)

    assert result.exit_code == 0
    assert "Commands" in result.stdout
    assert result.stderr == ""


def test_the_version_is_told() -> None:
    assert rapport("--version").stdout.startswith("rapport ")


def test_a_misspelt_variable_is_a_warning(here: Path) -> None:
    result = rapport("plan", "check", RAPPORT_PARTITION="3")

    assert result.exit_code == 0
    assert "RAPPORT_PARTITION is no setting and is ignored; did you mean RAPPORT_PARTITIONS?" in result.stderr


@pytest.mark.parametrize("name", ["doctor", "work", "archive status", "rebuild", "source list"])
def test_a_setting_that_cannot_be_used_is_wrong_use(here: Path, name: str) -> None:
    plain = rapport(*name.split(), RAPPORT_PII_KEY="short")

    assert (plain.exit_code, plain.stdout) == (2, "")
    assert plain.stderr == "Error: RAPPORT_PII_KEY cannot be used; allowed: a text of at least 16 characters\n"


def test_scripts_are_told_errors_in_json(here: Path) -> None:
    result = rapport("source", "list", "--json", RAPPORT_PARTITIONS="0")

    assert (result.exit_code, result.stdout) == (2, "")
    told = json.loads(result.stderr)
    assert told == {
        "error": "RAPPORT_PARTITIONS=0 cannot be used; allowed: a whole number from 1 up to 999",
        "exit_code": 2,
    }


def test_what_is_wrong_with_the_plan_is_said_before_anything_is_started(here: Path) -> None:
    (here / "plan.yaml").write_text((REPOSITORY / "tracking_plan.yaml").read_text() + "nonsense: 1\n")

    result = rapport("up", "--plan", "plan.yaml", "--port", "0", "--data-dir", "data")

    assert result.exit_code == 2
    assert "nonsense: is not a known key" in result.stderr
    assert not (here / "data").exists()


def test_a_source_that_is_not_in_the_plan_is_told_with_those_that_are(here: Path) -> None:
    result = rapport("source", "resume", "fax")

    assert result.exit_code == 1
    assert result.stderr == "Error: there is no source 'fax'; the plan has web, app, support, purchase\n"
