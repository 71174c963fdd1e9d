"""The catalogue of what chats and mails say: each text translated, its parts filled in, and no more in it."""

from __future__ import annotations

import re

import pytest

from streams.sinks.wording.spoken import LANGUAGES, words_of
from tests.console.catalogue import catalogue_of_sinks, texts_of_sinks

OTHERS = [language for language in LANGUAGES.values() if language != "en"]
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated_with_its_parts_and_none_is_left_over(language):
    """`python -m tests.console.catalogue` writes what is missing into the catalogue, to be translated."""
    held, wanted = catalogue_of_sinks(language), texts_of_sinks()
    assert {m.id for m in wanted if m.id} == {m.id for m in held if m.id}
    for message in held:
        if not message.id:
            continue
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        said = [message.string] if isinstance(message.string, str) else list(message.string)
        assert all(said), message.id
        parts = set(PLACEHOLDER.findall(" ".join(ids)))
        assert all(set(PLACEHOLDER.findall(one)) == parts for one in said), message.id


def test_there_are_as_many_texts_as_are_told():
    found = {m.id if isinstance(m.id, str) else m.id[0] for m in texts_of_sinks()}
    assert len(found) > 60
    assert {"Suggested action", "Nobody has taken it up", "%(num)s alert, %(money)s at risk", "Get in touch"} <= found


def test_a_language_writes_its_own_way():
    english, chinese = words_of("en"), words_of("zh-Hans")
    assert (english.gettext("Owner"), chinese.gettext("Owner")) == ("Owner", "负责人")
    assert english.ngettext("%(num)s alert", "%(num)s alerts", 1) == "1 alert"
    assert english.ngettext("%(num)s alert", "%(num)s alerts", 1200) == "1,200 alerts"
    assert chinese.ngettext("%(num)s alert", "%(num)s alerts", 2) == "2 条提醒"
    assert (english.money(65_804, "EUR"), english.money(1200, "JPY")) == ("€658.04", "¥1,200")
    assert english.percent(0.806) == "81%"
    assert english.when("2026-11-30T09:00:00.000000Z", "Europe/Amsterdam").endswith("10:00:00\u202fAM Europe/Amsterdam")
    assert chinese.label("at_risk") == "有流失风险"
    assert chinese.gettext("") == english.gettext("") == ""
    assert words_of("nl") is not None
    assert words_of("nl").language == "en"
