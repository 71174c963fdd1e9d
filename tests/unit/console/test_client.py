import pytest
import typer
from typer.testing import CliRunner

from console.client import AsDocument, Target, with_target

app = typer.Typer()


@app.command()
@with_target
def show(target: Target, name: str, as_json: AsDocument = False) -> None:
    """Show it."""
    typer.echo(f"{name} {as_json} {target.url} {target.token}")


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


def test_the_own_options_of_a_command_come_first_in_its_help(run):
    told = run("--help").stdout

    assert "Show it." in told
    assert "target" not in told.lower()
    assert told.index("--json") < told.index("--url") < told.index("--token") < told.index("--data-dir")
