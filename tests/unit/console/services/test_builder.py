"""Rows of the builder: what is written, and segments of a plan taken apart and put together again."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from console.services.builder import EXAMPLES, rows_of, write
from console.services.preview import compile_request
from models.population.snapshot import PopulationSnapshot
from plan import load_plan
from tests import REPOSITORY
from tests.console.support_api import PLAN

BOMB = "&a [x, x], " + ", ".join(f"&{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in pairwise("abcdefgh"))
"""Ten million values, by aliases of aliases."""


@pytest.mark.parametrize("file", ["tracking_plan.yaml", "plan/b2b.yaml"])
def test_every_segment_comes_back_from_its_rows_as_it_was(file: str) -> None:
    plan = load_plan(Path(REPOSITORY / file), {})
    for rule in plan.segments:
        join, rows = rows_of(rule)
        written = write(join, rows, rule.name, plan)
        assert written.asked is not None, rule.name
        again = compile_request(written.asked, plan, PopulationSnapshot.empty()).rule
        assert again.when == rule.when, rule.name
        assert again.grain == rule.grain


@pytest.mark.parametrize("example", EXAMPLES.values())
def test_what_a_new_row_begins_with_can_be_read(example: str) -> None:
    assert write("all", [example], "", PLAN).rows[0].problem == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{count: purchase", "expected"),
        ("since", "write one condition"),
        ("{wishes: many}", "write one condition"),
        ("[1, 2]", "unhashable"),
        ("{a: " + "x" * 2001 + "}", "longer than"),
        ("trait: plan, is: !!binary aGVsbG8=", "cannot be read"),
        ("trait: plan, is: !!set {a, b}", "cannot be read"),
        ("trait: plan, is: !!timestamp 2020-13-45", "cannot be read"),
        ("trait: plan, in: &a [*a]", "alias"),
        ("trait: plan, in: " + "[" * 900 + "]" * 900, "cannot be read"),
        (f"trait: plan, in: [{BOMB}]", "longer than|cannot be read"),
    ],
)
def test_a_row_that_is_no_condition_says_so(text: str, problem: str) -> None:
    written = write("all", ["{band: high}", text], "", PLAN)

    assert written.asked is None
    assert any(part in written.rows[1].problem for part in problem.split("|"))


def test_braces_may_be_left_out_and_empty_rows_count_for_nothing() -> None:
    written = write("any", ["  ", "band: high", ""], "", PLAN)

    assert written.yaml == "- name: new_segment\n  when:\n    band: high\n"


def test_values_are_read_as_a_plan_reads_them() -> None:
    """A day is text, as is Norway."""
    plan = load_plan(Path(REPOSITORY / "tracking_plan.yaml"), {})
    for text, value in (("trait: country, is: NO", "NO"), ("subscription: active, ends: {before: 2027-01-01}", None)):
        asked = write("all", [text], "", plan).asked
        assert asked is not None
        rule = compile_request(asked, plan, PopulationSnapshot.empty()).rule
        assert getattr(rule.when, "equals", None) == value
