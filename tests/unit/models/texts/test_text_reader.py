"""Reading one text after the other."""

from __future__ import annotations

import pytest

from models.texts.sentiment import LEAST, Tone
from models.texts.text_reader import Reading, TextReader, rated
from models.texts.topics import Topics


def learned(*, who: str = "c", teaches: bool = True) -> TextReader:
    reader = TextReader(Topics())
    for number in range(LEAST + 100):
        text = ("well done", 5.0) if number % 2 else ("badly done", 1.0)
        reader.read(text[0], role="review", rating=text[1], who=f"{who}{number}", teaches=teaches)
    return reader


def read(reader: TextReader, text: str, role: str = "ticket_opened", rating: float | None = None) -> Reading:
    return reader.read(text, role=role, rating=rating, who="somebody")


@pytest.mark.parametrize(
    ("role", "rating", "tone"),
    [
        ("csat", 2, "negative"), ("csat", 3, "middle"), ("csat", 4, "positive"),
        ("review", 2.5, "middle"), ("review", 1, "negative"), ("review", 5, "positive"),
        ("nps", 6, "negative"), ("nps", 7, "middle"), ("nps", 8, "middle"), ("nps", 9, "positive"),
        ("ces", 1, None), ("ticket_opened", 1, None), ("csat", None, None),
    ],
)  # fmt: skip
def test_what_ratings_say(role: str, rating: float | None, tone: Tone | None) -> None:
    assert rated(role, rating) == tone


def test_a_text_with_a_rating_says_what_the_rating_says() -> None:
    reading = read(learned(), "badly done", "review", 5.0)
    assert (reading.tone, reading.told_by, reading.guess) == ("positive", "rating", "negative")


def test_of_the_others_the_model_tells_or_nobody() -> None:
    reader = learned()
    assert [(each.tone, each.told_by) for each in (read(reader, "well done"), read(reader, "badly done"))] == [
        ("positive", "model"), ("negative", "model"),
    ]  # fmt: skip
    unknown = read(reader, "hello there")
    assert (unknown.tone, unknown.told_by, unknown.satisfied) == ("", "", None)


def test_marks_between_teach_nothing() -> None:
    reader = learned()
    before = read(reader, "well done").chance
    for number in range(50):
        middle = reader.read("well done", role="nps", rating=7.0, who=f"m{number}")
        assert (middle.tone, middle.satisfied) == ("middle", None)
    assert read(reader, "well done").chance == before


def test_each_language_learns_for_itself() -> None:
    reader = learned()
    assert read(reader, "很好").chance is None
    assert set(reader.state.languages) == {"en"}
    reader.read("很好", role="review", rating=5.0, who="A")
    assert set(reader.state.languages) == {"en", "zh"}


def test_who_does_not_agree_teaches_nothing() -> None:
    reader = learned(teaches=False)
    assert reader.state.languages == {}
    reading = reader.read("well done", role="review", rating=5.0, who="A", teaches=False)
    assert (reading.tone, reading.satisfied) == ("positive", None)


def test_not_every_language_that_somebody_names_is_learned() -> None:
    reader = TextReader(Topics())
    for number in range(30):
        code = f"{chr(97 + number % 26)}{chr(97 + number // 26)}"
        reader.read("well done", role="review", rating=5.0, who="A", language=code)
    assert len(reader.state.languages) == 20
