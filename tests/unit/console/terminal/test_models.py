"""What the tables about models say, and when."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from console.commands.main import create_cli
from console.terminal.models import _leaving, explained_customer, history_page
from models.features.table import NAMES


def taken_apart(silence: float, habit: float) -> dict[str, Any]:
    """A risk whose features of silence and habit add half each."""
    rows = [
        {"feature": name, "group": group, "meaning": "", "unit": "", "value": 1.0, "contribution": 0.5}
        for name, group in (("recency", "silence"), ("orders", "habit"))
    ]
    groups = [{"group": "silence", "contribution": silence}, {"group": "habit", "contribution": habit}]
    at = "2026-01-01T00:00:00.000000Z"
    return {
        "risk": 0.5, "log_odds": 0.0, "baseline": -1.0, "model": "m", "at": at, "scored_by": "m", "scored_risk": 0.5,
        "groups": groups, "contributions": rows,
    }  # fmt: skip


@pytest.mark.parametrize(("silence", "habit", "said"), [(1.5, -0.5, True), (0.5, 0.5, False)])
def test_only_groups_that_do_not_sum_up_their_rows_are_said_not_to(silence: float, habit: float, said: bool) -> None:
    console = Console(width=300)
    with console.capture() as shown:
        console.print(explained_customer(taken_apart(silence, habit)))

    assert ("not the sums of their rows" in shown.get()) == said


def test_a_history_of_nothing_says_so() -> None:
    console = Console(width=80)
    with console.capture() as shown:
        console.print(history_page({"checkpoints": [], "changes": []}))

    assert "no checkpoint was kept" in shown.get()


def test_every_feature_is_listed_without_a_server() -> None:
    run = CliRunner().invoke(create_cli(), ["models", "features", "--json"])

    assert run.exit_code == 0
    assert [row["name"] for row in json.loads(run.stdout)["features"]] == list(NAMES)
    assert "time since the last order" in CliRunner().invoke(create_cli(), ["models", "features"]).stdout


@pytest.mark.parametrize(("speaks", "said"), [("causes", "with what is known of causes"), ("btyd", "alone")])
def test_it_is_said_what_the_leaving_score_goes_by(speaks: str, said: str) -> None:
    figures = {"rows": 900, "log_loss": 0.28}
    told = {"speaks": speaks, "labels": 900, "causes": figures, "btyd": {**figures, "log_loss": 0.3}}
    console = Console(width=200)
    with console.capture() as shown:
        console.print(*_leaving(told), *_leaving({"labels": 0}))

    assert said in shown.get()
    assert "with causes 0.280, without 0.300" in shown.get()
