"""Whatever a plan's rules say, somebody who reads Chinese is told in Chinese; English is what they said before."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
import yaml
from pydantic import TypeAdapter

from console.pages.catalogues.condition_words import PlanWords, messages, say_in
from console.pages.languages import COOKIE, translations
from models.cases.hours import Quiet
from models.cases.routes import Route
from models.conditions.kinds import KINDS
from models.conditions.rules import AlertRule
from models.conditions.tree import Condition
from models.conditions.words import Say, duration_in_words
from models.config import EndsBy
from plan import load_plan
from tests import REPOSITORY
from tests.console.browsing.living import living

ZH = "zh_Hans"
ZH_WORDS = translations(ZH).gettext

MORE = (
    "{trait: paid_until, within: 30d}", "{trait: paid_until, beyond: 30d}", "{trait: paid_until, passed: 0d}",
    "{trait: paid_until, passed: 2d}", "{trait: paid_until, lately: 3h}", "{trait: paid_until, before: 2026-02-03}",
    "{trait: paid_until, after: 2026-02-03}", "{trait: vip, exists: true}", "{trait: vip, exists: false}",
    "{trait: vip, is: true}", "{trait: vip, is: false}", "{trait: age, at_least: 3, at_most: 9}",
    "{count: purchase, within: 45m, at_least: 1}", "{since: any, more_than: 50s}", "{since: purchase, less_than: 1w}",
    "{since: purchase, more_than: 1w, or_never: true}", "{not_done: visit, for: 9d}",
    "{latest: cart, after: purchase, by: 2d}", "{latest: cart, after: purchase, or_never: true}",
    "{not: {all: [{band: high}, {stage: at_risk}]}}", "{sum: items, above: 3}", "{sum: net, above: 3}",
    "{risk: above 0.5, churn: leaves}", "{subscription: ended, started: lately 3d, moved: up}",
    "{subscription: active, renewed: lately 3d, moved: down}", "{subscription: active, changed: lately 3d}",
    "{subscription: ended, cancelled: lately 3d}", "{quantile: revenue, bottom: 0.2}",
    "{quantile: revenue, at_least: 0.2, at_most: 0.4}", "{company: active_change, within: 12w, below: -0.2}",
    "{not_done: visit, for: 9d, or_never: true}", "{sum: revenue, within: 28d, above: 5}",
    "{count: visit, at_least: 2, where: {hour: [8, 9]}}", "{opinion: csat, last: at most 2}",
)  # fmt: skip
"""What the examples of kinds do not show."""


def conditions() -> Iterator[object]:
    read = TypeAdapter(Condition).validate_python
    for kind in KINDS:
        assert kind.examples, kind
        yield from (read(yaml.safe_load(example)) for example in kind.examples)
    yield from (read(yaml.safe_load(example)) for example in MORE)


def rules() -> Iterator[object]:
    """All that says something, in each of its ways."""
    yield from conditions()
    alert = {"name": "a", "cooldown": "7d", "segment": "vip", "when": {"band": "high"}}
    for score in ("risk", "lost", "leaving", "left"):
        yield AlertRule.model_validate(alert | {"threshold": 0.5, "score": score})
    yield AlertRule.model_validate(alert)
    told = {
        "sinks": ["crm", "mail"], "remind": "4h", "escalate": {"after": "1d", "to": "crm"}, "daily_cap": 3,
        "continue": True, "owner": "CRM",
    }  # fmt: skip
    whens = (
        {"grain": "company", "kind": "win_back", "severity": "critical", "rule": ["a", "b"], "segment": "vip"},
        {"grain": "customer", "kind": "retention", "company": "acme", "traits": {"country": ["NL", "BE"]}}, {},
    )  # fmt: skip
    quiet = {"from": "20:00", "to": "08:00", "days": ["sat"]}
    for when in whens:
        route = Route.model_validate({**told, "when": when, "quiet": {**quiet, "then": "digest"}})
        yield from (route, route.when)
    yield Quiet.model_validate(quiet)
    for ends in ({"no": "purchase"}, {"disuse": ["login", "visit"]}, {"subscription": "ended"}, {"mrr": 0}):
        yield EndsBy.model_validate(ends)
    yield EndsBy.model_validate({"subscription": "ended", "period": "told"})


def say(rule: object, by: Say) -> str:
    return str(getattr(rule, "goes_to" if isinstance(rule, Route) else "in_words")(by))


def test_every_message_of_every_rule_is_in_the_catalogue_and_none_besides() -> None:
    said: set[str] = set()
    plan = load_plan(REPOSITORY / "plan" / "b2b.yaml", {})
    assert plan.judging is not None

    def note(message: str) -> str:
        said.add(message)
        return message

    recorder = Say(note, lambda name: name, plural=True)
    for rule in rules():
        assert say(rule, recorder) == getattr(rule, "goes_to" if isinstance(rule, Route) else "in_words")()
    plan.judging.in_words(recorder)
    known = set(messages())
    assert said <= known
    names = {name for name in known if "%" not in name}
    assert known - said - names <= {"nobody works with it any more"}


@pytest.mark.parametrize("message", sorted(messages()))
def test_each_has_words_in_chinese_with_the_same_places(message: str) -> None:
    told = ZH_WORDS(message)
    assert told != message
    assert sorted(re.findall(r"%\(\w+\)s", told)) == sorted(re.findall(r"%\(\w+\)s", message))
    assert not re.search("[A-Za-z]{2}", re.sub(r"%\(\w+\)s", "", told))


def test_rules_are_said_in_chinese_but_for_names_and_values() -> None:
    kept = re.compile(r"NL|BE|BEL|CRM|crm|mail|acme|EUR")
    of_names = Say(ZH_WORDS, lambda name: "名")
    for rule in rules():
        text = kept.sub("", say(rule, of_names))
        for value in sorted(values(rule), key=len, reverse=True):
            text = text.replace(value, "")
        assert not re.search("[A-Za-z]{2}", text), say(rule, of_names)


def values(rule: object) -> set[str]:
    """The texts that a rule compares with, which are somebody's data."""
    found: set[str] = {"\0"}

    def walk(held: object) -> None:
        if isinstance(held, str):
            found.update(re.findall(r"\w+", held))
        elif isinstance(held, dict):
            for value in held.values():
                walk(value)
        elif isinstance(held, list | tuple):
            for value in held:
                walk(value)

    walk(rule.model_dump(mode="json") if hasattr(rule, "model_dump") else None)
    return found


@pytest.mark.parametrize("name", ["tracking_plan.yaml", "plan/b2b.yaml"])
def test_a_page_finds_what_a_document_says_of_the_plan(name: str) -> None:
    plan = load_plan(REPOSITORY / name, {})
    words = PlanWords(plan)
    for rule in plan.segments:
        english = rule.when.in_words()
        assert words.say(english, "en") == english
        assert words.say(english, ZH) == rule.when.in_words(say_in(ZH)) != english
    for route in plan.file.routes:
        assert words.say(route.when.in_words(), ZH) != route.when.in_words()
    assert words.say("something else", ZH) == "something else"


def test_durations_are_counted_in_words() -> None:
    assert [duration_in_words(each) for each in (86400.0, 56 * 86400.0, 5400.0, 0.5)] == [
        "1 day", "8 weeks", "90 minutes", "0.5 seconds",
    ]  # fmt: skip
    assert say_in(ZH).duration(56 * 86400.0) == "8 周"


def test_pages_say_rules_in_the_language_of_who_looks() -> None:
    """The plan's page and the builder's answer."""
    with living() as console, httpx.Client(base_url=console.url, timeout=30, cookies={COOKIE: ZH}) as http:
        http.post(f"/sign-in/{console.link('analyst')}", headers={"Sec-Fetch-Site": "same-origin"})
        plan = http.get("/plan").text
        tried = http.get("/segments/new", params={"rows": "band\nhigh", "name": "at_risk"}).text
        segment = http.get("/segments/at_risk").text
    assert "流失风险为 高" in tried
    for page in (plan, tried, segment):
        assert not re.search(r"churn risk is|last purchase more than", page)
    assert "距今超过" in plan
