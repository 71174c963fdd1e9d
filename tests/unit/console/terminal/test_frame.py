"""The frame of the command line: exit codes, and one line of what went wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import httpx
import pytest
import typer
from redis.exceptions import AuthenticationError
from typer.testing import CliRunner

from console.terminal.frame import CommandLine
from profiles.errors import Misconfigured, NotFound, WrongUse

ERRORS: dict[str, BaseException] = {
    "not-found": NotFound("there is no such thing"),
    "away": Misconfigured("Kafka does not answer at [red]host[/]"),
    "wrong": WrongUse("RAPPORT_PORT=x cannot be used"),
    "password": AuthenticationError("invalid username-password pair"),
    "http": httpx.ConnectError("refused"),
    "file": PermissionError(13, "Permission denied", "/srv/x"),
    "abort": typer.Abort(),
    "interrupt": KeyboardInterrupt(),
    "bug": TypeError("a mistake of ours"),
}

app = CommandLine()
app.callback()(lambda: None)


@app.command()
def fail(kind: str = "", as_json: bool = typer.Option(False, "--json"), code: int = 0) -> None:
    """Fail in some way."""
    if kind:
        raise ERRORS[kind]
    raise typer.Exit(code)


@app.command(bare={"--play": "shop"})
def start(play: str = "", port: int = 1) -> None:
    """Say what was given."""
    typer.echo(f"{play or None} {port}")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "None 1"), (["--play"], "shop 1"), (["--play", "--port", "2"], "shop 2"), (["--play", "b2b"], "b2b 1"),
        (["--play=b2b", "--port", "3"], "b2b 3"), (["--port", "4", "--play"], "shop 4"),
    ],
)  # fmt: skip
def test_an_option_may_stand_without_its_value(given: list[str], told: str) -> None:
    assert CliRunner().invoke(app, ["start", *given]).stdout.strip() == told


@pytest.mark.parametrize(
    ("kind", "code", "told"),
    [
        ("not-found", 1, "there is no such thing"),
        ("away", 1, "Kafka does not answer at [red]host[/]"),
        ("wrong", 2, "RAPPORT_PORT=x cannot be used"),
        ("password", 1, "Redis refuses: invalid username-password pair"),
        ("http", 1, "the server does not answer: refused"),
        ("file", 1, "/srv/x: Permission denied"),
        ("abort", 1, "stopped; nothing was done"),
        ("interrupt", 1, "stopped"),
    ],
)
def test_what_was_expected_is_one_line_and_an_exit_code(kind: str, code: int, told: str) -> None:
    plain = CliRunner().invoke(app, ["fail", "--kind", kind])
    scripted = CliRunner().invoke(app, ["fail", "--kind", kind, "--json"])

    assert (plain.exit_code, plain.stdout, plain.stderr) == (code, "", f"Error: {told}\n")
    assert (scripted.exit_code, scripted.stdout) == (code, "")
    assert json.loads(scripted.stderr) == {"error": told, "exit_code": code}


def test_a_mistake_of_ours_keeps_its_stack_trace() -> None:
    assert isinstance(CliRunner().invoke(app, ["fail", "--kind", "bug"]).exception, TypeError)


@pytest.mark.parametrize("arguments", [["fail", "--nope"], ["nope"], ["fail", "--code", "many"]])
def test_wrong_arguments_are_one_line_that_says_where_the_help_is(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert "--help` tells more" in result.stderr


def test_a_command_may_end_with_a_code_of_its_own() -> None:
    assert CliRunner().invoke(app, ["fail", "--code", "1"]).exit_code == 1
    assert CliRunner().invoke(app, ["fail"]).exit_code == 0


@pytest.mark.parametrize("much", [1, 100_000])
def test_nobody_who_stops_listening_sees_a_stack_trace(much: int) -> None:
    """`rapport … | head`; little is only written at the end, much while the command runs."""
    script = (
        "import typer; from console.terminal.frame import CommandLine; app = CommandLine()\n"
        f"app.command()(lambda: typer.echo('line\\n' * {much}))\napp()"
    )
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-c", script], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)

    assert (ended.returncode, ended.stderr) == (1, "")
