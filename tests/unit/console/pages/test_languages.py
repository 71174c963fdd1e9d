"""Every text of the pages in every language, with all that is filled into it."""

from __future__ import annotations

import re

import pytest

from console.pages.frame import environment
from console.pages.languages import LANGUAGES, translations
from tests.console.catalogue import catalogue, texts

OTHERS = [language for language in LANGUAGES if language != "en"]
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_of_the_pages_is_translated(language: str) -> None:
    """`python -m tests.console.catalogue` writes what is missing into the catalogue, to be translated."""
    held = catalogue(language)
    missing = []
    for message in texts():
        if not message.id:
            continue
        found = held.get(message.id if isinstance(message.id, str) else message.id[0])
        said = [] if found is None else [found.string] if isinstance(found.string, str) else list(found.string)
        if found is None or found.fuzzy or not said or not all(said):
            missing.append(message.id)
    assert missing == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_fills_in_what_the_text_does(language: str) -> None:
    for message in catalogue(language):
        if not message.id:
            continue
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        said = [message.string] if isinstance(message.string, str) else list(message.string)
        wanted = set(PLACEHOLDER.findall(" ".join(ids)))
        assert all(set(PLACEHOLDER.findall(one)) == wanted for one in said), message.id


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_is_left_of_a_text_that_no_page_has(language: str) -> None:
    known = {message.id if isinstance(message.id, str) else message.id[0] for message in texts()}
    assert [
        m.id for m in catalogue(language) if m.id and (m.id if isinstance(m.id, str) else m.id[0]) not in known
    ] == []


def test_numbers_of_things_take_the_form_of_their_language() -> None:
    said = translations("zh_Hans")
    assert said.ngettext("%(num)d order", "%(num)d orders", 2) % {"num": 2} == "2 笔订单"
    template = environment("zh_Hans").from_string("{{ 'at_risk' | label }} {{ 1234.5 | number }}")
    assert template.render() == "有流失风险 1,234.5"
