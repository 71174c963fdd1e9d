"""Whatever models say of customers and companies, somebody who reads Chinese is told in Chinese."""

from __future__ import annotations

import ast
import inspect
import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest

from console.pages.catalogues.news import NEWS
from console.pages.catalogues.phrases import phrase, phrase_of_plan
from models.churn import counterfactuals, reasons
from models.companies import words
from models.features import sentences
from models.features.table import TABLE
from plan.model import ROLES
from profiles.types import Event, HealthPart, Profile, Reason, Score
from tests.build import DAY, KINDS_COUNT, T0, customer, event

NAMES = re.compile(r"CSAT|NPS|CES|EUR|Garden|Books|vip|country|NL|web|\d+ [A-Z][a-z]+ \d{4}")
"""What stays as it is: names of surveys and currencies, of the plan and of what was bought; a date."""

ACTIVE, TICKETS = ["visit", "login", "feature_use"], ["ticket_opened", "ticket_solved", "ticket_reopened"]
KINDS = ("price", "delivery", "product", "late", "discount")


def untranslated(texts: set[str]) -> list[str]:
    return sorted(text for text in texts if text and re.search("[A-Za-z]{2}", NAMES.sub("", phrase(text, "zh_Hans"))))


def history(chance: random.Random) -> list[Event]:
    """Anything that may happen to a customer, of some roles only, now and then in bursts."""
    roles = chance.choice([ACTIVE, TICKETS, chance.sample(ROLES, chance.randint(1, 12))])
    roles = roles + ["purchase"] * chance.choice([0, 1, 1, 1])
    few = chance.choice([1, 3, 20, 60])
    days = sorted(chance.uniform(0, chance.choice([20, 200, 1500])) for _ in range(few))
    return [_anything(chance, chance.choice(roles), day, number) for number, day in enumerate(days)]


def _anything(chance: random.Random, role: str, day: float, number: int) -> Event:
    facts: dict[str, Any] = {"subject": chance.choice(["a", "b", "c", f"s{number}"]), "properties": {"of": KINDS[:3]}}
    if role in ("purchase", "refund", "subscription_start", "subscription_renew"):
        facts |= {"amount": chance.choice([500, 2500, 9000]), "properties": {"of": [chance.choice(KINDS)]}}
    if role == "purchase":
        facts["category"] = chance.choice(["Garden", "Books"])
    if role in ("csat", "nps", "ces", "review"):
        facts["rating"] = float(chance.choice([1, 3, 5, 12]))
    if role.startswith("subscription"):
        facts["subject"] = "sub"
    return event(role, day, id=f"m{number}", **facts)


def people(number: int) -> Iterator[tuple[Profile, float]]:
    """Customers, each with a time to look at them."""
    chance = random.Random(11)
    for _ in range(number):
        happened = history(chance)
        yield customer(*happened, limits=KINDS_COUNT), happened[-1].time + chance.choice([0.1, 3, 20, 100, 400]) * DAY


def everything_of_features() -> set[str]:
    said: set[str] = set()
    for profile, at in people(150):
        for feature in TABLE:
            for sign, value in ((1.0, 0.4), (-1.0, 0.4), (1.0, -0.4), (-1.0, -0.4), (1.0, 0.0)):
                said.add(feature.say(profile, at, Reason(feature.name, sign, value)))
    return said


def everything_of_companies() -> set[str]:
    numbers = [(value, other) for value in (0.0, 1.0, 3.0) for other in (-0.2, -1.0, 0.0, 0.25, 1.0, 4.0)]
    signed = ("outcome", "relationship")  # of the other parts neither number is ever negative
    parts = [
        HealthPart(name, 50.0, 1.0, value, other)
        for name in words._PARTS
        for value, other in numbers
        if other >= 0 or name in signed
    ]
    said = {words.part_in_words(part) for part in (*parts, HealthPart("new", None, 1.0))}
    said |= {words.reason_in_words(name, value) for name in words._SAY for value in (1.0, 4.0, 0.25)}
    unknown = [HealthPart(name, None, 1.0) for name in words._UNKNOWN]
    return said | {words.why_no_health(None), words.why_no_health(words.Health(None, "", 0.0, unknown))}


def run_lines(module: ModuleType, call: Callable[[], set[str]]) -> tuple[set[str], set[int]]:
    """What a call answers, and the lines of a module that it has run."""
    lines: set[int] = set()

    def trace(frame: FrameType, kind: str, _: object) -> Any:
        if frame.f_code.co_filename != module.__file__:
            return None
        lines.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return call(), lines
    finally:
        sys.settrace(before)


def sayings(module: ModuleType) -> set[int]:
    """The lines of a module on which a function answers a text that is not empty."""
    tree = ast.parse(Path(inspect.getfile(module)).read_text(encoding="utf-8"))
    texts = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Return) and any(isinstance(each, ast.JoinedStr) for each in ast.walk(node))
    ]
    return {node.lineno for node in texts}


def test_every_sentence_of_features_is_translated() -> None:
    """And each is said: a new one fails here until it is both."""
    said, lines = run_lines(sentences, everything_of_features)

    assert sayings(sentences) - lines == set()
    assert untranslated(said) == []


def test_every_sentence_of_companies_is_translated() -> None:
    assert untranslated(everything_of_companies()) == []
    grounds = set(re.findall(r'return "(\w[^"]+)"', inspect.getsource(words.why_no_risk)))
    assert len(grounds) == 3
    assert untranslated(grounds | {"the contract has ended"}) == []


def test_every_remark_is_translated() -> None:
    said = set(re.findall(r'return "(\w[^"]+)"', inspect.getsource(reasons.remark)))
    assert len(said) == 2
    for profile, at in people(40):
        names = ("recency", "open_tickets", "complaint_8w", "payment_failed_8w", "visit_8w")
        causes = [Reason(name, 1.0, 0.4, True) for name in names]
        score = Score(0.9, "high", at, "m", causes, left=0.9, leaving=0.0)
        if (gone := reasons.departure(profile, score)) is not None:
            said.add(gone.text)
    groups = (
        "", "kind:once", "kind:again", "kind:subscribed", "kind:discounts", "kind:unseen", "source:web",
        "trait:country=NL", "segment:vip", "habit:4", "habit:4:once", "habit:4:again", "habit:4:2", "habit:4:6",
    )  # fmt: skip
    likes = [Reason(f"{reasons.LIKE}{group}", sign, 1.0) for group in groups for sign in (1.0, -1.0)]
    said |= {reasons._text(Profile("p"), like, None) for like in likes}
    said.add(reasons._text(Profile("p"), Reason("recency", 1.0, 1.0), Score(0.9, "high", T0, "m")))
    assert untranslated(said) == []


def test_everything_that_would_lower_a_risk_is_translated() -> None:
    said, actions = set(), set()
    for profile, at in people(700):
        for find in counterfactuals._FINDERS:
            for action, text, _ in find(profile, at, "EUR"):
                said.add(text)
                actions.add(action)

    assert actions == {
        "order",
        "solve_tickets",
        "visit",
        "login",
        "use",
        "complaint",
        "payment",
        "subscription",
        "click",
    }
    assert untranslated(said) == []


TELLING = {
    "learner": ("_leaving_changed", "_take_up", "_carry_out", "_roll_back", "_changed", "_go_back", "_alarm",
                "_has_changed", "_new_horizon", "_tell_anew"),
    "choice": ("refusal", "promote"), "promotion": (), "guard": ("alarm",), "drift": ("text",),
    "floor": ("below",), "checkpoint": ("discarded",),
}  # fmt: skip
"""Functions of the learner that say something to people, by module; (): all of it."""


GROUNDS = {"worse than the rules", "the head of the model checkpoint"}
"""Of a change of the champion, for programs; and what a damaged checkpoint is called in an error."""


def told_by_the_learner() -> set[str]:
    """Each sentence, with %s where something is put in."""
    told = set()
    for module, names in TELLING.items():
        tree = ast.parse(Path(f"models/learning/{module}.py").read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef) and (not names or function.name in names):
                told |= set(_sentences(function))
    return told


def _sentences(function: ast.FunctionDef) -> Iterator[str]:
    told, waiting = function.body[isinstance(function.body[0], ast.Expr) :], []
    waiting += told
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Raise):
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "%s" for part in node.values)
            if len(text.replace("%s", "").split()) > 1:
                yield text.replace("%s%", "%s")  # how a share is written
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value.split()) > 2:
            yield node.value
        else:
            waiting += ast.iter_child_nodes(node)


def test_every_sentence_of_the_learner_is_translated() -> None:
    """Its pattern is there, word by word: one that is changed or new fails here."""
    known = {re.sub(r"%\(\w+\)s", "%s", pattern.replace("%(date)s", "%s %s")) for pattern in NEWS}
    known |= {text.removeprefix("%s") for text in known}

    assert len(told_by_the_learner()) > 25
    assert sorted(told_by_the_learner() - known - GROUNDS) == []


@pytest.mark.parametrize(
    "english",
    [
        "hazard is the champion instead of rules: the hazard has the lowest loss on the short label",
        "what was learned is set back to checkpoint 3, from 9 examples to 5: a weight of the model ftrl is not finite",
        "customers who ordered once leave 1.4 times as often as before, since about 3 May 2026 (all others 1.1 times)",
        "customers order less than the models have learned: fewer were active in their last week (41.0% before, 30.2% "
        "since), and fewer ordered than the hazard foresaw (off by +0.3% before, -4.1% since); most in the segments "
        "vip; over the whole horizon, customers who ordered once and with country NL",
        "learning began anew: the plan means something else by it than before; 1,200 training records are of no use "
        "any more",
    ],
)
def test_what_the_learner_tells_is_told_in_chinese_with_its_parts(english: str) -> None:
    names = re.compile(r"hazard|rules|ftrl|vip|country|NL|\d+ May 2026")
    assert re.search("[A-Za-z]{2}", names.sub("", phrase(english, "zh_Hans"))) is None


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Last order 65 days ago, usually every 9 days", "上次下单在65 天前，通常每 9 天一次"),
        ("2 deliveries late or failed, the last yesterday", "2 次配送延误或失败，最近一次在昨天"),
        ("Bought only <b>%(n)s so far", "至今只买过 <b>%(n)s"),  # a name stays as it is, whatever it holds
        ("What no model says", "What no model says"),
    ],
)
def test_a_sentence_is_translated_with_its_parts(english: str, chinese: str) -> None:
    assert phrase(english, "zh_Hans") == chinese
    assert phrase(english, "en") == english


def test_a_language_is_also_known_as_plans_name_it() -> None:
    english = "2 deliveries late or failed, the last yesterday"
    assert phrase_of_plan(english, "zh-Hans") == "2 次配送延误或失败，最近一次在昨天"
    assert phrase_of_plan(english, "en") == english
