"""`rapport models horizon FILE`: any table that a mapping explains, and a caution where there is little to go by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.commands.main import create_cli
from tests import REPOSITORY

PLAN = REPOSITORY / "tracking_plan.yaml"


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Two customers, ten gaps, in columns that nobody knows."""
    days = [("ada", 21 * number) for number in range(10)] + [("bob", 0), ("bob", 280), ("eve", 700)]
    rows = [f"{1_000_000_000 + day * 86400};{who};{number}" for number, (who, day) in enumerate(days)]
    file = tmp_path / "sales.csv"
    file.write_text("\n".join(["moment;buyer;number", *rows]) + "\n")
    return file


def run(file: Path, *options: str) -> tuple[int, str]:
    """The command on this file."""
    arguments = ["models", "horizon", str(file), "--plan", str(PLAN), *options]
    result = CliRunner().invoke(create_cli(), arguments, env={"COLUMNS": "200", "RAPPORT_DATA_DIR": "/nonexistent"})
    return result.exit_code, result.output


MAPPED = (
    "--source", "purchase", "--event", "Order Completed", "--map", "user_id=buyer", "--map", "timestamp=moment",
    "--map", "properties.order_id=number", "--set", "properties.revenue=1:number", "--set", "properties.currency=EUR",
    "--set", "properties.products=[]:json", "--delimiter", "semicolon", "--time-format", "epoch",
)  # fmt: skip


def test_a_table_is_mapped_as_for_a_backtest(orders: Path) -> None:
    """Column by column, on the command line."""
    assert "no purchase log with well-known columns" in run(orders)[1]
    code, text = run(orders, *MAPPED, "--json")

    assert code == 0, text
    found = json.loads(text[text.index("{") :])
    assert (found["customers"], found["gaps"], found["recommended"], found["needed"]) == (3, 10, 40, 230)
    assert found["label_recommended"] == 3


def test_a_log_with_decimal_commas_is_read_as_the_option_says(tmp_path: Path) -> None:
    """Without it the whole log is of no use, and the error names the option."""
    file = tmp_path / "kunden.csv"
    file.write_text("customer_id;date;revenue\n" + "".join(f"7;2026-0{month}-01;12,50\n" for month in range(1, 7)))

    code, text = run(file)
    assert (code, "'12,50' is no number (with a decimal comma? Then say --decimal comma" in " ".join(text.split())) == (
        1, True,
    )  # fmt: skip
    code, text = run(file, "--decimal", "comma", "--json")
    assert code == 0, text
    assert json.loads(text[text.index("{") :])["gaps"] == 5


def test_a_recommendation_from_ten_gaps_is_no_recommendation(orders: Path) -> None:
    """It says so beside it, and how many it takes."""
    code, text = run(orders, *MAPPED)

    assert code == 0, text
    told = " ".join(text.split())
    assert "Recommended: churn.horizon: 40w, churn.label_horizon: 3w (too few customers to rely on it)" in told
    assert "about 230 are needed" in told


def test_a_plan_whose_labels_are_shorter_than_the_rhythm_is_warned_of(tmp_path: Path) -> None:
    """Invoices every 30 days, and the shipped plan's labels of two weeks."""
    days = [
        f"{1_000_000_000 + (30 * number + who) * 86400};u{who};{who}-{number}"
        for who in range(9)
        for number in range(9)
    ]
    file = tmp_path / "invoices.csv"
    file.write_text("\n".join(["moment;buyer;number", *days]) + "\n")

    code, text = run(file, *MAPPED)

    assert code == 0, text
    assert "churn.horizon: 5w, churn.label_horizon: 5w" in text
    told = " ".join(text.split())
    assert "label horizon of 2w is shorter than the usual gap of 4.3 weeks: 0% of the gaps fit into it" in told
    assert "set churn.label_horizon to 5w or more" in told
