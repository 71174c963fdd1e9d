"""`docs/models.md` shows the features there are, and describes every module."""

from pathlib import Path

import models
from models.features.table import TABLE
from models.population.measures import MEASURES
from tests import REPOSITORY

PAGE = (REPOSITORY / "docs" / "models.md").read_text()


def test_the_table_of_features_is_the_one_in_the_code():
    rows = [f"| `{f.name}` | {f.group} | {f.unit or '–'} | {f.meaning} |" for f in TABLE]

    shown = [line for line in PAGE.split("## Features")[1].split("\n## ")[0].splitlines() if line.startswith("| `")]

    assert shown == rows


def test_the_table_of_measures_is_the_one_in_the_code():
    rows = [f"| `{name}` | {measure.unit} | {measure.meaning} |" for name, measure in MEASURES.items()]

    shown = PAGE.split("### Measures")[1].split("### ")[0]

    assert [line for line in shown.splitlines() if line.startswith("| `")] == rows


def test_every_module_is_described():
    for module in Path(models.__file__).parent.glob("[a-z]*.py"):
        assert f"`{module.stem}`" in PAGE
