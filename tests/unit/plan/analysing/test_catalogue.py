"""The catalogue of products: what is read, and what of it is wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plan import PlanError, load_plan
from plan.analysing.catalogue import MOST, Product, read_catalogue
from tests.plans import BASE

SOAP = Product("soap", "care", 350, 120, date(2026, 5, 4), ("green", "gift"), 40.0, 1)


def test_a_csv(tmp_path: Path) -> None:
    path = tmp_path / "goods.csv"
    path.write_text(
        "product_id,category,price,cost,launched,tags,cycle_days,tier\n"
        "soap,care,3.50,1.2,2026-05-04,green|gift,40,1\nbare,,,,,,,\n",
        encoding="utf-8-sig",
    )
    assert read_catalogue(path, "EUR") == (SOAP, Product("bare"))


def test_a_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "goods.parquet"
    rows = [{"product_id": "soap", "category": "care", "price": 3.5, "cost": 1.2, "launched": date(2026, 5, 4),
             "tags": ["green", "gift"], "cycle_days": 40.0, "tier": 1}]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert read_catalogue(path, "EUR") == (SOAP,)
    assert read_catalogue(path, "JPY")[0].price == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,price\nsoap,1\n", "product_id: is required"),
        ("product_id,colour\nsoap,red\n", "goods.csv:1: colour: is no column of a catalogue"),
        ("product_id,price\nsoap,much\n", "goods.csv:2: price: 'much' is no amount of money"),
        ("product_id,cost\nsoap,-1\n", "'-1' is no amount of money"),
        ("product_id,launched\nsoap,yesterday\n", "is no day such as"),
        ("product_id,cycle_days\nsoap,0\n", "no number of days"),
        ("product_id,tier\nsoap,1.5\n", "no whole number"),
        ("product_id,tier\nsoap,1\nsoap,2\n", "goods.csv:3: product_id: 'soap' is given twice"),
        ("product_id,tier\n,1\n", "is missing"),
        ("product_id,price\nsoap,1,50\n", "goods.csv:2: has more values than there are columns"),
        ("", "product_id: is required"),
    ],
)
def test_what_is_wrong_is_told_by_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "goods.csv").write_text(text)
    (tmp_path / "plan.yaml").write_text(BASE.replace("version: 1", "version: 1\ncatalogue: goods.csv", 1))
    with pytest.raises(PlanError) as error:
        load_plan(tmp_path / "plan.yaml", {})
    assert message in str(error.value)


def test_no_file_another_kind_and_too_many(tmp_path: Path) -> None:
    for name, message in (("none.csv", "is no catalogue that can be read"), ("goods.xlsx", "must end in .csv")):
        with pytest.raises(PlanError, match=message):
            read_catalogue(tmp_path / name, "EUR")
    path = tmp_path / "goods.csv"
    path.write_text("product_id\n" + "\n".join(f"p{number}" for number in range(MOST + 1)))
    with pytest.raises(PlanError, match="more than 200,000 products"):
        read_catalogue(path, "EUR")
