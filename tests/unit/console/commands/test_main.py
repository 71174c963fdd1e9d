import pytest
import typer
from typer.testing import CliRunner

from console.commands.main import create_cli

app = create_cli()


def commands(command=None, path=()):
    """Every command with its words on the command line."""
    command = command or typer.main.get_command(app)
    for name, part in getattr(command, "commands", {}).items():
        yield from commands(part, (*path, name))
    yield path, command


def examples(command):
    return {line.strip() for line in command.help.splitlines() if line.startswith("    ")}


def test_every_command_says_what_it_does():
    assert not [path for path, command in commands() if not command.help]


@pytest.mark.parametrize(
    ("path", "command"), [pytest.param(*one, id=" ".join(one[0])) for one in commands() if examples(one[1])]
)
def test_help_shows_each_example_on_a_line_of_its_own(path, command):
    """Typer runs examples together that follow the first paragraph, or that are all that follows the second."""
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"})

    assert shown.exit_code == 0
    assert examples(command) <= {line.strip() for line in shown.stdout.splitlines()}
