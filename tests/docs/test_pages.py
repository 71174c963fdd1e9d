"""Links lead somewhere, named tests and files exist, and what a page tells people to run runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import REPOSITORY

ROOT = REPOSITORY
ROOMS = "console|streams|analysis|plan|models|profiles|tests|docs|\\.ci"
PAGES = [
    page
    for folder in (ROOT, ROOT / "docs", ROOT / "benchmarks")
    for page in sorted(folder.glob("*.md"))
    if not page.name.startswith(".")
]
README = (ROOT / "README.md").read_text()
CI = (ROOT / ".ci" / "run").read_text()

MAIN = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/rapport up --demo"
TESTS = "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/python -m pytest"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def runnable() -> list[str]:
    """The lines of README snippets that are marked as running without any server."""
    snippets = re.findall(r"<!-- runs -->\n```sh\n(.*?)```", README, re.DOTALL)
    return [line for snippet in snippets for line in snippet.splitlines() if line.strip()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Files and headings of this repository; the rest of the world is not asked."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_files_exist(page: Path) -> None:
    """`streams/pipeline.py` and its like, also when several are written as one."""
    for name in re.findall(rf"`((?:{ROOMS})/[\w./{{}},]+)`", page.read_text()):
        before, brace, rest = name.partition("{")
        parts, _, after = rest.partition("}")
        for file in [before + part + after for part in parts.split(",")] if brace else [name]:
            assert (ROOT / file).exists(), file


def test_the_tests_that_prove_a_guarantee_exist() -> None:
    """A promise whose test was renamed or removed is only a promise."""
    page = (ROOT / "docs" / "guarantees.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)

    assert len(named) > 30
    for file, test in named:
        assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file}::{test}"


def test_each_invariant_names_a_test_or_says_that_it_is_not_yet_true() -> None:
    """Eleven of them, in order."""
    page = (ROOT / "docs" / "guarantees.md").read_text()
    invariants = re.findall(r"^## (\d+)\. .*?\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL)

    assert [int(number) for number, _ in invariants] == list(range(1, 12))
    for number, text in invariants:
        assert "::test_" in text or re.search(r"\*\*Not yet", text), number


def test_the_two_commands_are_those_of_ci() -> None:
    """One line each in the README; CI runs the same on its own servers, the tests in the locked versions."""
    lines = README.splitlines()
    assert lines.count(MAIN) == 1
    assert lines.count(TESTS) == 1

    assert "--no-deps --no-build-isolation -e ." in CI  # what `.[dev]` asks for: tests/docs/test_supply.py
    assert re.search(r"python -m pytest\b", CI)
    assert re.search(r'fresh/bin/pip" install -q \.$', CI, re.MULTILINE)
    assert '"up", "--demo"' in (ROOT / ".ci" / "smoke.py").read_text()


def test_contributors_read_the_same_test_command() -> None:
    """One way to set up."""
    assert TESTS in (ROOT / "CONTRIBUTING.md").read_text()


def test_snippets_that_need_no_server_run(tmp_path: Path) -> None:
    """Line by line, in a directory that holds the plan, as the README assumes."""
    shutil.copy(ROOT / "tracking_plan.yaml", tmp_path)
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    lines = runnable()

    assert len(lines) >= 2
    for line in lines:
        program, *arguments = line.split()
        assert program == "rapport"
        subprocess.run(
            [sys.executable, "-m", "console", *arguments],
            cwd=tmp_path,
            env={**env, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            timeout=60,
        )


_COMMAND = (
    r"((alerts|plan|archive|rejected|segments|source|identity|models|tokens|users) "
    r"|company (?=join|unjoin|erase|lift|show)|deliver (?=reconcile)|analyse (?=[a-z]))?[a-z]+"
)


def test_options_that_pages_name_exist() -> None:
    """Every `rapport COMMAND … --option` of a page is one of that command's."""
    asked = {
        (name, option)
        for page in PAGES
        for command in re.findall(r"rapport ([a-z]+(?: .*)?)", re.sub(r"\\\n\s*", "", page.read_text()))
        for name in [re.match(_COMMAND, command)[0]]  # type: ignore[index]
        for option in re.findall(r"(?<=\s)--[a-z][a-z-]+", command.partition("`")[0])
    }
    assert ("up", "--demo") in asked
    helps = {name: _help(name) for name in {name for name, _ in asked}}
    for name, option in sorted(asked):
        assert re.search(rf"{option}\b", helps[name]), f"rapport {name} {option}"


def _help(name: str) -> str:
    from typer.testing import CliRunner  # noqa: PLC0415  (the test above alone needs the command line)

    from console.commands.main import create_cli  # noqa: PLC0415  (same)

    return CliRunner().invoke(create_cli(), [*name.split(), "--help"], env={"COLUMNS": "200"}).output
