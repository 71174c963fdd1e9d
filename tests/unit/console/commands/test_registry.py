import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from console.commands.main import create_cli
from console.commands.registry import COMMANDS, load

HEAVY = {
    "aiokafka", "fastapi", "faust", "httpx", "kafka", "numpy", "pyarrow", "pydantic", "pydantic_settings", "redis",
    "river", "scipy", "sklearn", "starlette", "uvicorn",
}  # fmt: skip
"""What takes long to load."""

CALLS = {"httpx", "pydantic"}  # the latter is how Typer reads numbers and paths

LOADED = "import sys; from console.__main__ import main; sys.argv[1:] = {!r}\ntry: main()\nfinally: print(*sys.modules)"


def loaded(*arguments: str) -> set[str]:
    """Every module that a command loads, in a process of its own."""
    told = subprocess.run(
        [sys.executable, "-c", LOADED.format(list(arguments))], capture_output=True, text=True, check=True
    )
    return set(told.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("arguments", "needs"),
    [(["--help"], set()), (["--version"], set()), (["profile", "-h"], CALLS), (["alerts", "list", "-h"], CALLS)],
    ids=lambda given: " ".join(sorted(given)),
)
def test_only_what_a_command_needs_is_loaded(arguments: list[str], needs: set[str]) -> None:
    modules = loaded(*arguments)

    assert modules & HEAVY == needs
    commands = {name.rpartition(".")[2] for name in modules if name.startswith("console.commands.")}
    assert commands == {"main", "misspelt", "registry"} | (set(arguments) & COMMANDS.keys())


def test_what_is_known_of_a_command_before_it_is_loaded_is_true() -> None:
    for name, command in typer.main.get_command(create_cli()).commands.items():
        assert (name, command.hidden) == (command.name, COMMANDS[name].hidden)
        assert command.help.split("\n\n")[0].strip() == COMMANDS[name].summary, "say it as there"


def test_no_command_of_a_module_is_forgotten() -> None:
    found = {name for entry in COMMANDS.values() for name in load(entry.module)}

    assert found == COMMANDS.keys()


def test_a_command_that_is_nearly_right_is_told_the_right_one() -> None:
    result = CliRunner().invoke(create_cli(), ["profil", "user_id:1"])

    assert result.exit_code == 2
    assert "Did you mean 'profile'?" in result.stderr


def test_shells_complete_commands() -> None:
    asked = {"_RAPPORT_COMPLETE": "complete_bash", "COMP_WORDS": "rapport pro", "COMP_CWORD": "1"}
    told = subprocess.run(
        [sys.executable, "-m", "console"], capture_output=True, text=True, check=True, env=os.environ | asked
    )

    assert told.stdout.split() == ["profile"]
