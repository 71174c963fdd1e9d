"""`rapport plan`, as people and scripts call it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.clients.reach import shipped_plan
from console.commands.plan import app
from plan import load_plan
from tests import REPOSITORY

PLAN = REPOSITORY / "tracking_plan.yaml"


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Call the command from an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAPPORT_PLAN", raising=False)
    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def changed(tmp_path):
    """A copy of the shipped plan with one thing replaced."""

    def write(old: str, new: str) -> Path:
        text = PLAN.read_text()
        assert old in text
        path = tmp_path / "new.yaml"
        path.write_text(text.replace(old, new, 1))
        return path

    return write


def test_the_shipped_plan_is_the_one_in_the_repository():
    """There is one file; the package only points to it."""
    assert shipped_plan().read_text() == PLAN.read_text()


def test_check_sums_up_a_good_plan(run):
    """One line on stdout, warnings on stderr."""
    result = run("check", PLAN)

    assert result.exit_code == 0
    assert "is fine: Online shop, version 1: 4 sources, 85 events" in result.stdout
    assert result.stderr.count("Warning:") == 1


def test_check_lists_every_problem(run, changed):
    """With file and line, on stderr, and exit code 1."""
    path = changed("currency: EUR", "currency: EURO\nnonsense: 1")
    result = run("check", path)

    assert result.exit_code == 1
    assert f"{path}:11: currency: 'EURO' is not an ISO-4217 currency code" in result.stderr
    assert f"{path}:12: nonsense: is not a known key" in result.stderr
    assert result.stderr.rstrip().endswith("2 problems; the plan cannot be used.")
    assert result.stdout == ""


def test_check_answers_scripts(run, changed):
    """In JSON, with the same exit codes."""
    good = run("check", PLAN, "--json")
    bad = run("check", changed("currency: EUR", "currency: EURO"), "--json")

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert json.loads(good.stdout) | {"warnings": []} == {
        "ok": True, "file": str(PLAN), "name": "Online shop", "version": 1, "sources": 4, "events": 85, "traits": 27,
        "identities": 6, "segments": 42, "alerts": 9, "problems": [], "warnings": [],
    }  # fmt: skip
    (problem,) = json.loads(bad.stdout)["problems"]
    assert (problem["line"], problem["path"]) == (11, "currency")


def test_the_plan_is_found_without_a_name(run, changed, monkeypatch, tmp_path):
    """RAPPORT_PLAN, else tracking_plan.yaml here, else the shipped one."""
    assert "tracking_plan.yaml is fine" in run("check").stdout

    changed("name: Online shop", "name: Mine").rename(tmp_path / "tracking_plan.yaml")
    assert "Mine" in run("check").stdout

    monkeypatch.setenv("RAPPORT_PLAN", str(tmp_path / "nowhere.yaml"))
    result = run("check")
    assert result.exit_code == 1
    assert "there is no such file" in result.stderr


def test_diff_tells_breaking_from_harmless(run, changed):
    """Exit code 1 is for breaking changes only."""
    same = run("diff", PLAN, PLAN)
    harmless = run("diff", PLAN, changed("owner: Growth", "owner: Sales"))
    breaking = run("diff", PLAN, changed("extra: allow", "extra: reject"))

    assert (same.exit_code, same.stdout) == (0, "No change.\n")
    assert harmless.exit_code == 0
    assert "Not breaking (1):\n  events.Signed Up.owner: is Sales now\n" in harmless.stdout
    assert "The version is still 1; raise it" in harmless.stdout
    higher = changed("version: 1\n", "version: 2\n")
    higher.write_text(higher.read_text().replace("owner: Growth", "owner: Sales"))
    assert "The version is 1, after 2; raise it" in run("diff", higher, PLAN).stdout
    assert breaking.exit_code == 1
    assert "Breaking (1):\n  extra: allow → reject\n" in breaking.stdout


def test_diff_breaks_a_build(run, changed):
    """Text and JSON, and 2 for a plan that cannot be read."""
    narrower = changed(
        "plan: {type: string, enum: [none, plus, family, business]", "plan: {type: string, enum: [none, plus]"
    )
    assert run("diff", PLAN, narrower).exit_code == 2  # a segment asks for what the trait can no longer be
    stricter = changed("results: {type: integer, min: 0", "results: {type: integer, min: 1")

    text, answer = run("diff", PLAN, stricter), run("diff", PLAN, stricter, "--json")

    assert text.exit_code == answer.exit_code == 1
    assert "Breaking (1):\n  events.Products Searched.properties.results.min: 0 → 1\n" in text.stdout
    assert json.loads(answer.stdout) == {
        "breaking": True,
        "old_version": 1,
        "new_version": 1,
        "changes": [{"path": "events.Products Searched.properties.results.min", "message": "0 → 1", "breaking": True}],
    }
    assert run("diff", PLAN, "nowhere.yaml").exit_code == 2


def test_docs_are_written_where_asked(run, tmp_path):
    """Markdown on stdout, or a file by its ending."""
    page = run("docs", PLAN)
    assert page.stdout.startswith("# What Online shop collects, and why\n")

    assert run("docs", PLAN, "--output", "plan.md").exit_code == 0
    assert (tmp_path / "plan.md").read_text() == page.stdout
    assert run("docs", PLAN, "-o", "plan.html").stdout == "Wrote plan.html.\n"
    assert (tmp_path / "plan.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("docs", PLAN, "-o", "plan.pdf"), 2, "name a file that ends in .html or .md"),
        (("docs", PLAN, "-o", "no/such/dir.md"), 2, "cannot be written: No such file or directory"),
        (("docs", "nowhere.yaml"), 2, "there is no such file"),
    ],
)
def test_docs_say_what_is_wrong(run, args, code, message):
    """Never a traceback."""
    result = run(*args)

    assert result.exit_code == code
    assert message in result.stderr


@pytest.mark.parametrize("command", ["check", "diff", "docs"])
def test_help_teaches(run, command):
    """Each command has an example."""
    assert "Example" in run(command, "--help").stdout


@pytest.mark.parametrize(
    ("options", "said", "first"),
    [
        (("--like", "b2b", "--name", "Acme", "--currency", "usd", "--region", "us"), "Acme, in USD", "of US"),
        (("--like", "shop"), "Online shop, in EUR", "of NL"),
    ],
)
def test_a_new_plan_is_like_a_shipped_one(run, tmp_path, options, said, first):
    """With a namespace of its own, and fine as it is."""
    made = [run("new", name, *options) for name in ("one.yaml", "two.yaml")]
    checked = run("check", "one.yaml")
    namespaces = {load_plan(tmp_path / name).file.namespace for name in ("one.yaml", "two.yaml")}

    assert [result.exit_code for result in made] == [0, 0]
    assert said in made[0].stdout
    assert first in made[0].stdout
    assert checked.exit_code == 0
    assert checked.stderr.count("Warning:") == 1
    assert len(namespaces | {load_plan(shipped_plan(which)).file.namespace for which in ("shop", "b2b")}) == 4


def test_a_new_plan_is_drafted_from_events(run, tmp_path):
    """Sources, currency and region are the events'; what is no event is told."""
    lines = [
        {"type": "identify", "userId": "7", "source": "web", "traits": {"email": "ada@example.com"}},
        {
            "type": "track",
            "event": "Order Completed",
            "userId": "7",
            "properties": {"order_id": "1", "currency": "GBP"},
        },
        {"type": "page", "anonymousId": "a", "source": "web", "context": {"locale": "en-GB"}},
        {"type": "page", "anonymousId": "a", "source": "web", "timestamp": "never"},
    ]
    text = "\n".join(json.dumps({"timestamp": "2026-01-05T10:00:00Z", **line}) for line in lines)
    (tmp_path / "acme.jsonl").write_text(text)
    made = run("new", "acme.yaml", "--from", "acme.jsonl", "--source", "shop")

    assert made.exit_code == 0
    assert "acme, in GBP, telephone numbers of GB" in made.stdout
    assert "1 row left out; the first: line 4: timestamp" in made.stderr
    assert run("check", "acme.yaml").exit_code == 0
    assert set(load_plan(tmp_path / "acme.yaml").sources) == {"web", "shop"}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ((), "say what it begins with"),
        (("--like", "shop", "--from", "x.jsonl"), "not both"),
        (("--like", "shop", "--currency", "EURO"), "ISO-4217"),
        (("--like", "shop", "--region", "XX"), "ISO-3166"),
        (("--from", "nowhere.jsonl"), "nowhere.jsonl"),
        (("--from", "empty.jsonl"), "it is empty"),
        (("--from", "table.csv"), "holds a table"),
    ],
)
def test_a_new_plan_says_what_is_wrong(run, tmp_path, options, problem):
    """And writes nothing."""
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    result = run("new", *options)

    assert result.exit_code == 2
    assert problem in result.stderr
    assert not (tmp_path / "tracking_plan.yaml").exists()


def test_a_plan_that_is_there_is_not_written_over(run, tmp_path):
    """Unless it shall be."""
    path = tmp_path / "tracking_plan.yaml"
    path.write_text("mine")

    assert run("new", "--like", "shop").exit_code == 2
    assert path.read_text() == "mine"
    assert run("new", "--like", "shop", "--force").exit_code == 0
    assert load_plan(path).name == "Online shop"


def test_a_new_plan_asks_on_a_terminal(tmp_path):
    """What no option says, again where it cannot be; an empty answer takes what is usual."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "console", "plan", "new", "--region", "US"]
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stdin=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        os.write(ours, b"y\nAcme\nEURO\n\n")
        _, told = process.communicate(timeout=60)
    os.close(ours)
    plan = load_plan(tmp_path / "tracking_plan.yaml")

    assert (plan.name, plan.currency, plan.file.region) == ("Acme", "EUR", "US")
    assert b"ISO-4217" in told
    assert "company" in plan.file.groups
