"""What customers write, by hand; and on texts made at random, whose writers' minds are known."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from analysis.engines.duck import Duck
from analysis.running import behind, run
from analysis.service.text import EVERY_TOPIC, NO_TOPIC, TEXT, Asked
from plan import parse_plan
from tests.analysed import archived, at, happened
from tests.plans import BASE
from tests.written import written

WRITTEN = [
    happened("A", "review", "03-01", text="Arrived broken", rating=1.0, product="mug", language="en"),
    happened("A", "review", "03-05", text="The new one is fine", rating=5.0, product="mug", language="en"),
    happened("B", "csat", "03-02", text="客服很好，物流也快", rating=4.0, product="mug"),
    happened("C", "nps", "03-03", text="No opinion", rating=7.0),
    happened("D", "ticket_opened", "03-04", text="Where is my parcel?", topic="Delivery", product="pan"),
    happened("E", "complaint", "04-02", text="I want my money back", topic="return", product="pan"),
    happened("F", "csat", "03-02", rating=1.0),  # without a text
    happened("G", "search", "03-02", text="broken parcel"),  # no words to us
    happened("H", "review", "01-02", text="Broken", rating=1.0),  # before
]


def table(engine: Duck, **asked: Any) -> dict[str, dict[str, Any]]:
    rows = run(TEXT, engine, Asked(**{"since": "2026-03-01", **asked})).rows
    return {row["topic"]: row for row in rows}


@pytest.fixture(scope="module")
def engine() -> Duck:
    return archived(WRITTEN, until="04-10")


def test_topics_and_tones(engine: Duck) -> None:
    """Arrived and broken are two topics; a mark of 7 is middle; without a model tickets say nothing."""
    rows = table(engine)
    figures = ("texts", "customers", "negative", "middle", "positive", "unknown", "heard", "dissatisfied")
    assert {topic: [row[name] for name in figures] for topic, row in rows.items()} == {
        EVERY_TOPIC: [6, 5, 1, 1, 2, 2, 3, 1],
        "delivery": [3, 3, 1, 0, 1, 1, 2, 1],
        "quality": [1, 1, 1, 0, 0, 0, 1, 1],
        "returns": [1, 1, 0, 0, 0, 1, 0, 0],
        "service": [1, 1, 0, 0, 1, 0, 1, 0],
        NO_TOPIC: [2, 2, 0, 1, 1, 0, 2, 0],
    }
    assert list(rows) == [EVERY_TOPIC, "delivery", "quality", "returns", "service", NO_TOPIC]
    assert rows[EVERY_TOPIC]["unknown_share"] == 2 / 6
    assert rows[EVERY_TOPIC]["negative_share"] is None  # of three customers


def test_it_says_so_in_a_sentence_and_how_good_the_models_are(engine: Duck) -> None:
    result = run(TEXT, engine, Asked(since="2026-03-01"))
    assert result.sentence is not None
    assert result.sentence.en == (
        "Of 6 texts 4 can be told; 1 of them are of dissatisfied customers; most of these are about quality (1)."
    )
    told = [note.en for note in result.notes if note.en.startswith("Model of")]
    assert len(told) == 1  # the only text in Chinese was the first of its language
    assert told[0].startswith("Model of en: silent. Of the last 2 rated texts")


def test_by_product_language_kind_and_time(engine: Duck) -> None:
    rows = run(TEXT, engine, Asked(since="2026-03-01", by="product")).rows
    every = {row["by"]: row["texts"] for row in rows if row["topic"] == EVERY_TOPIC}
    assert every == {"": 1, "mug": 3, "pan": 2}
    assert table(engine, language="zh")[EVERY_TOPIC]["texts"] == 1
    assert table(engine, kind="complaint")[EVERY_TOPIC]["texts"] == 1
    assert table(engine, product="pan")[EVERY_TOPIC]["texts"] == 2
    course = run(TEXT, engine, Asked(since="2026-03-01", over_time=True))
    every = {row["period"].month: row["texts"] for row in course.rows if row["topic"] == EVERY_TOPIC}
    assert every == {3: 5, 4: 1}
    assert (course.chart.kind, course.chart.x, course.chart.color) == ("lines", "period", "topic")
    assert run(TEXT, engine, Asked()).chart.kind == "stacked"


def test_who_is_behind_a_number(engine: Duck) -> None:
    cell = {"period": "2026-03-01", "by": "", "topic": EVERY_TOPIC}
    asked = Asked(since="2026-03-01")

    def who(figure: str) -> list[str]:
        return sorted(row["customer"] for row in behind(TEXT, engine, asked, cell, figure).customers)

    assert who("dissatisfied") == who("negative") == ["A"]
    assert who("unknown") == ["D", "E"]
    assert who("customers") == ["A", "B", "C", "D", "E"]


def test_a_list_has_what_each_wrote_last_of_those_behind_the_number(engine: Duck) -> None:
    def wrote(topic: str, figure: str) -> dict[str, str]:
        cell = {"period": "2026-03-01", "by": "", "topic": topic}
        found = behind(TEXT, engine, Asked(since="2026-03-01"), cell, figure)
        assert found.quoted == "text"
        return {row["customer"]: row["text"] for row in found.customers}

    everybody = wrote(EVERY_TOPIC, "customers")
    assert everybody["A"] == "The new one is fine"
    assert everybody["B"] == "客服很好，物流也快"
    assert wrote("quality", "customers") == wrote(EVERY_TOPIC, "negative") == {"A": "Arrived broken"}


def test_the_plan_changes_topics() -> None:
    said = "\nanalyses: {topics: {hygiene: {en: [dirty]}, quality: {}, delivery: {en: [where is my]}}}\n"
    rows = [*WRITTEN, happened("E", "inquiry", "04-03", text="Was it dirty?")]
    topics = table(archived(rows, until="04-10", plan=parse_plan(BASE + said, "small.yaml", {})))
    assert {topic: row["texts"] for topic, row in topics.items()} == {
        EVERY_TOPIC: 7, "delivery": 1, "hygiene": 1, "returns": 1, "service": 1, NO_TOPIC: 3,
    }  # fmt: skip


def test_merged_customers_are_one_and_objecting_ones_are_not_there() -> None:
    rows = [*WRITTEN, happened("D", "consent", "04-05", consent_analytics=False)]
    every = table(archived(rows, until="04-10", links={"B": "A"}))[EVERY_TOPIC]
    assert (every["texts"], every["customers"], every["dissatisfied"]) == (5, 3, 1)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_of_tickets_it_says_what_is_right_in_nine_of_ten_or_nothing(language: str) -> None:
    """Fifteen hundred reviews teach; of 900 tickets, which have no rating, it is known here what is meant."""
    dice, rows, meant = Random(11), [], {}
    for number in range(2_400):
        text, when = written(dice, language), at("01-01") + timedelta(hours=number)
        role = "ticket_opened" if number > 600 and number % 2 else "review"
        rating = {"rating": 5.0 if text.satisfied else 1.0} if role == "review" else {}
        rows.append(happened(f"c{number}", role, when, text=text.text, **rating))
        meant[f"c{number}"] = text.satisfied
    engine, asked = archived(rows, until="06-01"), Asked(since="2026-01-01", kind="ticket_opened")
    every = next(row for row in run(TEXT, engine, asked).rows if row["topic"] == EVERY_TOPIC)
    cell = {"period": "2026-01-01", "by": "", "topic": EVERY_TOPIC}
    told = {figure: behind(TEXT, engine, asked, cell, figure).customers for figure in ("negative", "positive")}
    assert every["negative"] + every["positive"] > 100
    assert every["unknown"] == every["texts"] - every["negative"] - every["positive"] > 0
    for figure, customers in told.items():
        right = [meant[row["customer"]] == (figure == "positive") for row in customers]
        assert sum(right) >= 0.9 * len(right), figure
    notes = [note.en for note in run(TEXT, engine, asked).notes if note.en.startswith(f"Model of {language}: of the")]
    assert len(notes) == 1


def test_nobody_wrote() -> None:
    result = run(TEXT, archived([happened("A", "csat", "03-01", rating=1.0)], until="04-10"), Asked())
    assert result.rows == []
    assert result.sentence is None
