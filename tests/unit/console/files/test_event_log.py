"""A purchase log is understood by the names of its columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.files.event_log import names_of, read_history, recognised, share
from console.files.rows import FileSpec
from plan import load_plan
from profiles.errors import Misconfigured
from profiles.types import Event
from tests import REPOSITORY

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")


def write(path: Path, text: str) -> Path:
    """A file."""
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "customer_id,date,quantity,revenue\n7,2026-01-02,3,19.95\n",
        "customer_id;date;quantity;revenue\n7;2026-01-02;3;19.95\n",
        "Customer ID,Order Date,Items,Amount\n7,20260102,3,19.95\n",
        "customer_id date number_of_cds dollar_value\n7 20260102 3 19.95\n",
        "user\ttimestamp\tqty\ttotal\tcurrency\n7\t1767312000\t3\t19.95\tEUR\n",
        "user|time|units|value\n7|1767312000000|3|19.95\n",
        '"customer","date","quantity","revenue"\n"7","2026-01-02T00:00:00Z","3","19.95"\n',
    ],
    ids=["comma", "semicolon", "spelled", "cdnow", "epoch", "epoch_ms", "quoted"],
)
def test_common_spellings_of_a_purchase_log_are_one_event(tmp_path: Path, text: str) -> None:
    """Who, when, how many, how much: whatever the columns are called and the times look like."""
    reading = read_history(write(tmp_path / "orders.csv", text), FileSpec(), PLAN)

    (event,) = reading.records
    assert isinstance(event, Event)
    assert (event.role, event.time, event.amount, event.currency, event.quantity) == (
        "purchase", 1767312000.0, 1995, "EUR", 3.0,
    )  # fmt: skip
    assert names_of(reading) == {event.profile: "7"}


def test_a_log_without_money_and_items_is_one_too_if_the_plan_does_not_ask(tmp_path: Path) -> None:
    """The shop's plan asks for the revenue, so its rows are rejected, with the reason."""
    file = write(tmp_path / "orders.csv", "customer_id,date\n7,2026-01-02\n")

    with pytest.raises(Misconfigured, match="revenue"):
        read_history(file, FileSpec(), PLAN)


def test_unknown_columns_say_what_to_do(tmp_path: Path) -> None:
    """And a file that is not there, or empty, says so."""
    with pytest.raises(Misconfigured, match=r"none of wer, wann is the customer or the time.*--mapping"):
        recognised(write(tmp_path / "orders.csv", "wer,wann\n7,2026-01-02\n"), FileSpec(), PLAN)
    with pytest.raises(Misconfigured, match="cannot be read"):
        recognised(tmp_path / "nowhere.csv", FileSpec(), PLAN)
    with pytest.raises(Misconfigured, match=r"empty\.csv is empty"):
        recognised(write(tmp_path / "empty.csv", ""), FileSpec(), PLAN)


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    """The others are used."""
    file = write(tmp_path / "o.csv", "customer_id,date,quantity,revenue\n7,2026-01-02,3,1\n7,yesterday,1,1\n")

    reading = read_history(file, FileSpec(), PLAN)

    assert len(reading.records) == 1
    assert reading.rejected == {"bad_row": 1}
    assert reading.examples["bad_row"].startswith("line 3:")


def test_a_share_of_the_customers_is_the_same_every_time() -> None:
    """Numbers by their remainder, other ids by a hash."""
    third = share("1/3")

    assert [third(str(number)) for number in range(6)] == [True, False, False, True, False, False]
    assert third("00003")
    assert 200 < sum(third(f"ada-{number}") for number in range(900)) < 400
    for wrong in ("2/3", "a third", "1/0", ""):
        with pytest.raises(Misconfigured, match="1/3"):
            share(wrong)
