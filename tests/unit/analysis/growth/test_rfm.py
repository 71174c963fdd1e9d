"""Fifths by mid-rank: ties stay together; on real purchases as pandas has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from analysis.engines.duck import Duck
from analysis.growth.base import BASE
from analysis.growth.rfm import RFM
from analysis.keeping.retention import RETENTION
from analysis.keeping.retention import Asked as Cohorts
from analysis.parameters import Parameters
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import compare_lists

EVER = Parameters(since="1997-01-01")


def test_equal_values_are_in_equal_fifths() -> None:
    shop = [happened(f"c{n}", "purchase", f"01-{n + 1:02}", subject=f"{n}", amount=100 * n) for n in range(10)]
    shop += [happened("c9", "purchase", "01-20", subject="more", amount=100)]
    shop += [happened("c3", "refund", "01-21", subject="3", amount=400)]
    engine = archived(shop, until="02-01")
    rows = run(RFM, engine, Parameters()).rows
    # Nine with one order: ceil(5 · (0 + 10 / 2) / 10) = 3; the tenth: ceil(5 · (9 + 1) / 10) = 5.
    assert sum(row["customers"] for row in rows if row["frequency"] == 3) == 9
    assert sum(row["customers"] for row in rows if row["frequency"] == 5) == 1
    assert [sum(row["customers"] for row in rows if row["recency"] == fifth) for fifth in range(1, 6)] == [2] * 5
    assert [row["monetary"] for row in rows if row["net"] < 0] == [1]
    compare_lists(RFM, engine, Parameters(), rows, most=3)


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    """69,659 purchases of 23,570 customers in 1997 and 1998, as they were published."""
    found = find_spec("lifetimes")
    assert found is not None
    assert found.origin is not None
    path = Path(found.origin).parent / "datasets" / "CDNOW_master.txt"
    table = pd.read_csv(path, sep=r"\s+", header=0, names=["customer", "day", "cds", "value"])
    table["day"] = pd.to_datetime(table["day"].astype(str))
    table["cents"] = (table["value"] * 100).round().astype(int)
    return table


@pytest.fixture(scope="module")
def shop(cdnow: pd.DataFrame) -> Duck:
    rows = [
        happened(str(row.customer), "purchase", row.day.to_pydatetime().replace(tzinfo=UTC) + timedelta(hours=12),
                 subject=f"o{number}", amount=row.cents)
        for number, row in enumerate(cdnow.itertuples())
    ]  # fmt: skip
    return archived(rows, until=datetime(1998, 7, 1, tzinfo=UTC))


def test_fifths_of_real_purchases(cdnow: pd.DataFrame, shop: Duck) -> None:
    rows = run(RFM, shop, EVER).rows
    each = cdnow.groupby("customer").agg(last=("day", "max"), orders=("day", "size"), net=("cents", "sum"))
    n = len(each)
    for measure, column in (("recency", "last"), ("frequency", "orders"), ("monetary", "net")):
        fifths = -(-5 * each[column].rank(method="average") // n)
        expected = fifths.astype(int).value_counts().to_dict()
        found = {fifth: sum(row["customers"] for row in rows if row[measure] == fifth) for fifth in range(1, 6)}
        assert found == {fifth: expected.get(fifth, 0) for fifth in range(1, 6)}, measure
    assert sum(row["orders"] for row in rows) == 69_659
    assert sum(row["net"] for row in rows) == cdnow["cents"].sum()


def test_cohorts_and_repurchase_of_real_purchases(cdnow: pd.DataFrame, shop: Duck) -> None:
    cdnow = cdnow.assign(month=cdnow["day"].dt.to_period("M"))
    cdnow = cdnow.assign(cohort=cdnow.groupby("customer")["month"].transform("min"))
    cdnow = cdnow.assign(age=(cdnow["month"] - cdnow["cohort"]).map(lambda months: months.n))
    table = cdnow.groupby(["cohort", "age"])["customer"].nunique()
    sizes = cdnow.groupby("cohort")["customer"].nunique()
    cells = 0
    for row in run(RETENTION, shop, Cohorts(since="1997-01-01", ages=17)).rows:
        if row["cohort"] is not None:
            cohort = pd.Period(row["cohort"], "M")
            assert row["customers"] == sizes[cohort]
            if row["age"] and row["complete"]:
                assert row["returned"] == table.get((cohort, row["age"]), 0)
                cells += 1
    assert cells == 17 + 16 + 15
    ordered = cdnow.sort_values(["customer", "day"], kind="stable")
    first = ordered.groupby("customer")["day"].nth(0).to_numpy()
    firsts = pd.DataFrame({"first": first}, index=sorted(cdnow["customer"].unique()))
    second = ordered[ordered.groupby("customer").cumcount() == 1].set_index("customer")["day"]
    firsts["again"] = (second.reindex(firsts.index) - firsts["first"]).dt.days <= 90
    rate = firsts.groupby(firsts["first"].dt.to_period("M"))["again"].agg(["size", "sum"])
    found = {pd.Period(row["period"], "M"): row for row in run(BASE, shop, EVER).rows if row["begun"]}
    assert {month: (row["begun"], row["repeated"]) for month, row in found.items()} == {
        month: (row["size"], row["sum"]) for month, row in rate.iterrows()
    }
    january = found[pd.Period("1997-01", "M")]
    assert january["repurchase"] == pytest.approx(rate["sum"].iloc[0] / rate["size"].iloc[0])
