import pytest
import typer
from typer.testing import CliRunner

from console.clients.target import Target, with_target
from console.commands.main import create_cli
from console.terminal.frame import CommandLine
from console.terminal.output import AsJson
from profiles.errors import Misconfigured

app = CommandLine()


@app.command()
@with_target
def show(target: Target, name: str, as_json: AsJson = False) -> None:
    """Show it."""
    if name.isdigit():
        raise Misconfigured(f"{name} is no name")
    found = target.find()
    typer.echo(f"{name} {as_json} {found.url} {found.token}")


@pytest.fixture
def run(tmp_path):
    def invoke(*arguments, **environ):
        return CliRunner(env={"RAPPORT_DATA_DIR": str(tmp_path), "COLUMNS": "200", **environ}).invoke(app, arguments)

    return invoke


def test_a_command_is_told_where_rapport_is_by_options_or_by_the_environment(run):
    assert run("ada", "--json", "--url", "http://a/", "--token", "t").stdout == "ada True http://a t\n"
    assert run("ada", RAPPORT_URL="http://b", RAPPORT_API_TOKEN="u").stdout == "ada False http://b u\n"


def test_a_command_that_finds_no_rapport_says_what_to_do(run):
    found = run("ada")

    assert found.exit_code == 1
    assert "start `rapport up` first" in found.stderr


def test_what_is_wrong_with_a_command_itself_is_said_before_where_rapport_is(run):
    assert run("42").stderr == "Error: 42 is no name\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("profile", "42"), ("export", "42"), ("erase", "42"), ("identity", "show", "42"), ("identity", "split", "42"),
    ],
)  # fmt: skip
def test_who_is_no_identity_is_told_so_though_nothing_says_where_rapport_is(tmp_path, arguments):
    told = CliRunner(env={"RAPPORT_DATA_DIR": str(tmp_path), "COLUMNS": "200"}).invoke(create_cli(), [*arguments])

    assert "'42' is no identity; write TYPE:VALUE, such as user_id:42" in told.stderr
    assert "rapport up" not in told.stderr


def test_the_own_options_of_a_command_come_first_in_its_help(run):
    told = run("--help").stdout

    assert "Show it." in told
    assert "target" not in told.lower()
    assert told.index("--json") < told.index("--url") < told.index("--token") < told.index("--data-dir")
