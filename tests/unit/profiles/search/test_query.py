"""The shape of a query tells what it asks for; several words are all required."""

from __future__ import annotations

import pytest

from profiles.search.query import read_query
from profiles.search.terms import Found, backwards


@pytest.mark.parametrize(
    ("text", "prefixes", "words"),
    [
        ("Daan", ("daan",), ()),
        (" Zoë  Meer ", ("zoe meer", "zoëmeer"), ("zoe", "meer")),
        ("Daan.Web@ex", ("daan.web@ex",), ()),
        ("ORD-1042", ("ord 1042", "ord-1042"), ()),
        ("#42", ("42",), ()),
        ("4711", ("4711", "\x011174"), ()),
        ("王 小明", ("王小明",), ()),
        ("%$&", ("%$&",), ()),
        ("", (), ()),
    ],
)
def test_what_a_text_asks_for(text: str, prefixes: tuple[str, ...], words: tuple[str, ...]) -> None:
    query = read_query(text)
    assert (query.prefixes, query.words) == (prefixes, words)


@pytest.mark.parametrize("stored", ["+31 6 1234 5678", "0031612345678", "06-12345678"])
@pytest.mark.parametrize("asked", ["+31612345678", "06 1234 5678", "5678", "(0)6 12345678"])
def test_a_number_is_found_with_and_without_its_country(stored: str, asked: str) -> None:
    query, held = read_query(asked), Found(backwards(stored), "p", "somebody")
    assert any(held.text.startswith(prefix) for prefix in query.prefixes)
    assert query.admits(held)


def test_another_number_with_the_same_end_is_not_meant() -> None:
    assert not read_query("+31 6 1234 5678").admits(Found(backwards("+31 7 1234 5678"), "p", "somebody"))


def test_who_has_all_words_is_meant() -> None:
    answers = [
        [Found("daan", "n", "a"), Found("daan", "n", "b")],
        [Found("weber", "n", "b"), Found("weber", "n", "c")],
    ]
    assert [found.profile for found in read_query("daan weber").of_all(answers)] == ["b"]
