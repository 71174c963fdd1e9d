"""`rapport backtest` and `rapport models horizon`, as they are typed; and the page in a real browser."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import sync_playwright
from typer.testing import CliRunner, Result

from console.commands.main import create_cli
from models.churn.panel import MODELS as PANEL
from tests import REPOSITORY

PLOTS = ("calibration", "roc", "precision", "lift", "weekly", "moved")
MODELS = ["champion", *PANEL, "gbm"]


def rapport(*arguments: object) -> Result:
    """Run a command."""
    return CliRunner().invoke(create_cli(), [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 customers over a year, who order every one to eight weeks and leave sooner or later."""
    file = tmp_path_factory.mktemp("log") / "orders.csv"
    rng = np.random.default_rng(5)
    with file.open("w", newline="") as target:
        rows = csv.writer(target)
        rows.writerow(["customer_id", "date", "quantity", "revenue"])
        for customer in range(1, 151):
            day, gap = rng.uniform(0, 90), rng.uniform(7, 56)
            while day < 364:
                date = np.datetime64("2025-01-01") + np.timedelta64(int(day), "D")
                rows.writerow([customer, date, rng.integers(1, 4), round(rng.uniform(5, 80), 2)])
                if rng.random() < 0.12:
                    break
                day += rng.exponential(gap) + 1
    return file


@pytest.fixture(scope="module")
def run(orders: Path) -> tuple[dict[str, Any], Path]:
    """The JSON and the page of one backtest."""
    page = orders.parent / "report.html"
    result = rapport("backtest", orders, "--horizon", "8w", "--json", "--report", page)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), page


def test_the_json_has_every_model_with_every_figure(run: tuple[dict[str, Any], Path]) -> None:
    """On the same rows, with intervals and differences to the champion."""
    document, _ = run

    assert list(document["models"]) == MODELS
    for name, figures in document["models"].items():
        assert list(figures) == ["auc", "pr_auc", "log_loss", "brier", "ece", "rows"], name
    champion = document["models"]["champion"]
    assert champion["rows"] == document["judged"]["rows"] > 1000
    low, high = document["intervals"]["champion"]["auc"]
    assert 0.5 < low < champion["auc"] < high < 1.0
    assert champion["log_loss"] < document["models"]["base_rate"]["log_loss"]
    spoke = {name for name, figures in document["models"].items() if figures["rows"]}
    assert set(document["differences"]) == spoke - {"champion"}
    assert {"hazard", "recency", "rules", "gbm"} <= spoke
    assert document["weekly"]["week"] == list(range(document["judged"]["first"], document["judged"]["last"] + 1))
    assert (document["horizon"], document["customers"]) == ("8w", 150)


def test_for_people_there_is_a_table(orders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And without a wish for a page it lies where one stands."""
    monkeypatch.chdir(tmp_path)

    result = rapport("backtest", orders, "--horizon", "8w", "--no-gbm", "--sample", "1/3")

    assert result.exit_code == 0, result.output
    assert "champion" in result.stdout
    assert "rapport-backtest.html" in result.stdout
    assert "gbm" not in result.stdout
    assert "A sample: one customer in 3." in result.stderr
    assert "A sample: one customer in 3." in (tmp_path / "rapport-backtest.html").read_text()
    assert (tmp_path / "rapport-backtest.html").stat().st_size > 1_000_000


def test_the_page_draws_everything_and_asks_nobody(run: tuple[dict[str, Any], Path]) -> None:
    """In Chromium: every plot has its lines, nothing goes wrong and nothing but the file is fetched."""
    document, page = run
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        if browser is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("needs Chromium: apt-get install chromium, or playwright install chromium")
        chromium = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        tab = chromium.new_page(viewport={"width": 1280, "height": 900})
        wrong: list[str] = []
        asked: list[str] = []
        tab.on("console", lambda message: wrong.append(message.text))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(page.as_uri())
        tab.wait_for_function(f"document.querySelectorAll('.main-svg .cartesianlayer').length >= {len(PLOTS)}")
        lines = {plot: tab.locator(f"#plot-{plot} .scatterlayer .trace").count() for plot in PLOTS}
        bars = tab.locator("#plot-lift .barlayer .point").count()
        widths = tab.eval_on_selector_all("figure", "them => them.map(it => it.scrollWidth - it.clientWidth)")
        rows = tab.locator("#models tbody tr").count()
        told = tab.locator("body").inner_text()
        chromium.close()

    assert wrong == []
    assert asked == [page.as_uri()]
    assert all(count >= 2 for count in lines.values()), lines
    assert bars == 10
    assert max(widths) <= 1
    assert rows == len(document["models"])
    assert f"{document['models']['champion']['auc']:.4f}" in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--horizon", "soon"], "no duration"),
        (["--horizon", "40w"], "needs 84"),
        (["--sample", "most"], "1/3"),
        (["--stream", "x"], "cal or rt"),
        (["--drift", "x"], "70,0.5"),
        (["--weeks", "9"], "44-120"),
        (["--churn", "cancels"], "the plan has no definition of churn 'cancels'; there are none"),
        (["--horizon", "2d", "--label-horizon", "4w"], "label_horizon"),
        (["--report", "no/such/folder/page.html"], "there is no such folder"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(orders: Path, options: list[str], said: str) -> None:
    """And nothing is drawn."""
    result = rapport("backtest", orders, "--json", *options)

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_a_further_definition_of_churn_is_judged(orders: Path, tmp_path: Path) -> None:
    """It is said which; of its own people: who ordered, here, as the plan's own."""
    definition = "{name: again, ends_by: {no: purchase}, horizon: 8w, label_horizon: 2w}"
    text = (REPOSITORY / "tracking_plan.yaml").read_text()
    plan = tmp_path / "plan.yaml"
    plan.write_text(text.replace("\nchurn:\n", f"\nchurn:\n  definitions:\n    - {definition}\n", 1))

    result = rapport("backtest", orders, "--plan", plan, "--churn", "again", "--no-gbm", "--json", "--sample", "1/3")

    document = json.loads(result.stdout)
    assert "Churn as again: no purchase, within 8w." in document["notes"]
    own = rapport("backtest", orders, "--plan", plan, "--horizon", "8w", "--no-gbm", "--json", "--sample", "1/3")
    assert document["judged"] == json.loads(own.stdout)["judged"]


def test_a_horizon_is_recommended(orders: Path) -> None:
    """From the same file; for people with the reason."""
    result = rapport("models", "horizon", orders, "--json")
    told = rapport("models", "horizon", orders)

    document = json.loads(result.stdout)
    by_weeks = {row["weeks"]: row["gaps_within"] for row in document["candidates"]}
    recommended = document["recommended"]
    assert by_weeks[recommended] >= 0.9
    assert all(share < 0.9 for weeks, share in by_weeks.items() if weeks < recommended)
    assert f"{recommended}w" in told.stdout
    assert rapport("models", "horizon", "--json").exit_code == 2
