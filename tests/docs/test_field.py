"""Each case from the field is a test: `docs/field.md` or `docs/console.md` names it, and it exists."""

from __future__ import annotations

import ast
import re

import pytest

from tests import REPOSITORY

ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
    for text in (
        (REPOSITORY / "docs/field.md").read_text(),
        (REPOSITORY / "docs/console.md").read_text().partition("## What people complained of elsewhere")[2],
    )
    for line in text.splitlines()
    if line.startswith("|") and not re.match(r"\|[\s:|-]+$", line) and not line.startswith("| What people met")
]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_a_case_is_a_test(row: list[str]) -> None:
    assert [bool(cell) for cell in row] == [True] * 4, "what people met | where reported | what Rapport does | its test"
    named = TEST.findall(row[3])
    assert named, "a test is named as `tests/….py::test_…`"
    for path, name in named:
        module = ast.parse((REPOSITORY / path).read_text())
        functions = {node.name for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in functions, f"{path} has no {name}"
