"""Cards: which alerts are named and in which order, what is said of each, and what is said of the rest."""

from __future__ import annotations

import msgspec
import pytest

from streams.sinks.wording.cards import HEADLINES, card_of
from streams.sinks.wording.plain import plain_text
from tests.told import AT, HOSTILE, TYPES, URL, alert, customer, digest, hostile, notice, opened, told


def facts(card, place=0):
    return {fact.name: fact.text for fact in card.items[place].facts}


def test_one_alert_says_who_why_what_it_is_worth_what_to_do_and_where():
    card = card_of(told(alert(worth=65_804)), 10)
    assert card.title == "New: Daan Weber 1: A customer worth keeping is likely to be lost"
    assert facts(card) == {
        "State": "New, critical",
        "Stage": "at risk",
        "Risk": "81% (high), before 64%",
        "Value at risk": "€658.04",
        "Owner": "success",
        "Suggested action": "Make good what they complained about",
    }
    assert card.items[0].reasons == ["Last order 65 days ago, usually every 9 days", "2 complaints, the last yesterday"]
    assert (card.items[0].url, card.url, card.level, card.rest) == (f"{URL}/c/XYlwaH1", f"{URL}/", "critical", "")


def test_in_chinese_with_what_models_say_by_the_consoles_catalogue():
    def phrase(text, language):
        return f"{language}:{text[:4]}"

    card = card_of(told(alert(), alert(2), language="zh-Hans", phrase=phrase, more=41, more_value=1_230_000), 10)
    assert card.title == "43 条提醒，风险金额 €13,616.08"
    assert facts(card)["建议操作"] == "妥善解决客户的投诉"
    assert facts(card)["阶段"] == "有流失风险"
    assert card.items[0].reasons[0] == "zh-Hans:Last"
    assert card.rest == "另有 41 条，风险金额 €12,300.00"


def test_those_of_the_highest_value_are_named_and_the_rest_is_a_line():
    alerts = [alert(number, worth=100 * number) for number in range(1, 31)]
    card = card_of(told(*alerts, more=11, more_value=5_000), 3)
    assert [item.url for item in card.items] == [f"{URL}/c/XYlwaH{number}" for number in (30, 29, 28)]
    assert card.title == "41 alerts, €515.00 at risk"
    assert card.rest == "and 38 more, €428.00 at risk"
    assert card_of(told(*alerts[:4]), 3).rest == "and 1 more, €1.00 at risk"
    assert card_of(told(alert(worth=0), more=3), 3).rest == "and 3 more"


def test_what_has_ended_comes_last_and_is_worth_nothing_any_more():
    over = opened(alert(1, worth=900_000, state="cleared"), "alert.cleared")
    card = card_of(told(over, alert(2, worth=100)), 10)
    assert [item.url[-1] for item in card.items] == ["2", "1"]
    assert card.title == "2 alerts, €1.00 at risk"
    assert facts(card, 1)["State"] == "Over by itself, critical"
    assert "Suggested action" not in facts(card, 1)
    both = [over, opened(alert(2, state="resolved", outcome="stayed"), "alert.resolved")]
    assert card_of(told(*both), 10).title == "2 alerts have ended"
    assert facts(card_of(told(both[1]), 10))["Outcome"] == "The customer stayed"


def test_an_alert_that_was_told_twice_is_told_as_it_is_now():
    later = opened(alert(sequence=2, state="acknowledged"), "alert.acknowledged")
    for bodies in ([alert(), later], [later, alert()]):
        card = card_of(told(*bodies), 10)
        assert card.title.startswith("Acknowledged: ")
        assert len(card.items) == 1


@pytest.mark.parametrize("type_", TYPES)
def test_every_message_about_an_alert_has_its_headline(type_):
    assert card_of(told(opened(alert(), type_)), 10).title.startswith(f"{HEADLINES[type_]}: ")


def test_without_profiling_no_risk_no_reason_no_value():
    card = card_of(told(alert(risk=None, reasons=None, value=None)), 10)
    assert set(facts(card)) == {"State", "Stage", "Owner", "Suggested action"}
    assert not card.items[0].reasons


def test_a_digest_counts_what_is_new_still_open_and_ended():
    card = card_of(told(digest(*(alert(number, 100 * number) for number in range(1, 26)), total=30)), 20)
    assert card.lines == ["New: 30", "Still open: 5", "Ended: 2"]
    assert (len(card.items), card.items[0].url) == (20, f"{URL}/c/XYlwaH25")
    assert card.rest == "and 10 more, €15.00 at risk"
    assert card_of(told(digest(alert())), 20).title == "1 alert, €658.04 at risk"
    assert card_of(told(digest()), 20).title == "No new alerts"


def test_news_of_rapport_itself():
    assert card_of(told(notice()), 10)[:2] == ("A test of Rapport", ["If you can read this, alerts arrive here."])
    card = card_of(told(notice("sink.disabled", f"Sink crm is told nothing any more {HOSTILE}")), 10)
    assert card.title == "A sink is told nothing any more"
    assert card.lines[0].startswith("Sink crm is told nothing any more <!channel>")


@pytest.mark.parametrize("label", ["daan@example.com", "+31 6 1234 5678", "", "\u202e\u2066", None])
def test_a_customer_is_named_by_no_address_and_no_number(label):
    one = alert(customer=msgspec.structs.replace(customer(), label=label))
    assert card_of(told(one), 10).title.startswith("New: Customer XYlwaH1: ")


def test_hostile_text_is_text_on_one_line_everywhere():
    card = card_of(told(hostile(), hostile(2, "x" * 100_000)), 10)
    for line in (card.title, *plain_text(card).splitlines()):
        assert line.isprintable()
        assert len(line) < 420
        assert "@" not in line
        assert "evil" not in line.partition("://")[2]


def test_times_are_of_the_sinks_zone():
    card = card_of(told(opened(alert(snoozed_until=AT), "alert.snoozed")), 10, zone="Asia/Shanghai")
    assert facts(card)["Snoozed until"].replace("\u202f", " ") == "Nov 30, 2026, 5:00:00 PM Asia/Shanghai"


@pytest.mark.parametrize("url", [None, "javascript:alert(1)", "https://x/(a)", "https://x/a b", "https://x/\"'<>|"])
def test_an_address_that_means_something_in_a_markup_is_left_out(url):
    card = card_of(told(alert(customer=customer(url=url)), url=url), 10)
    assert (card.items[0].url, card.url) == (None, None)
