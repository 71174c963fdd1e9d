"""Sentences of the models in the viewer's language: reasons, remarks, what would help, and the learner's news.

Models say them in English, and a case keeps them so as of its opening. So they are known here by their patterns, whose
parts are translated in turn; the names in them, which are of a plan or of a customer, stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache, lru_cache

from babel.dates import format_date

from console.pages.catalogues import condition_words
from console.pages.catalogues.news import NEWS
from console.pages.languages import translations
from console.views.segments import DONE
from models.churn.kinds import KINDS
from models.features.sentences import count

__all__ = ["COUNTED", "NOUNS", "PHRASES", "messages", "phrase", "phrase_of_plan"]

NOUNS = (
    "order", "product viewed", "search", "cart", "checkout", "visit", "login", "use of the app", "removal of the app",
    "click in our messages", "opening of our messages", "ticket", "reopened ticket", "inquiry", "refund", "complaint",
    "return asked for", "order cancelled", "coupon refused", "message sent by us", "payment refused",
    "complaint about the price", "complaint about the delivery", "complaint about the product",
    "delivery late or failed", "case of trouble with a price or coupon", "case of trouble with a delivery",
    "case for the support",
)  # fmt: skip
"""What may have happened, of which the last time is told."""

COUNTED = (
    *NOUNS, "feature", "item", "time", "return", "coupon", "message", "payment", "champion", "seat", "open ticket",
    "kind", "day", "week", "month", "year", "use",
)  # fmt: skip
"""What is counted: as "2 orders"."""

PHRASES = (
    # orders
    "Only one order so far, %(ago)s", "First order only %(ago)s", "Last order %(ago)s, usually every %(span)s",
    "Last order %(ago)s, %(span)s after the first", "Last order already %(ago)s", "Last order only %(ago)s",
    "No order so far", "Orders about every %(span)s, the last time %(ago)s",
    "The latest orders %(percent)s larger than those before", "The latest orders %(percent)s smaller than those before",
    "%(n)s of %(counted)s with a discount, the last %(ago)s", "Customer for %(span)s", "Customer for only %(span)s",
    "Orders less often than the average customer: %(counted)s in %(span)s",
    "Orders more often than the average customer: %(counted)s in %(span)s",
    "%(n)s items an order, fewer than the average customer", "%(n)s items an order, more than the average customer",
    "Spent %(money)s on %(counted)s, less than the average customer",
    "Spent %(money)s on %(counted)s, more than the average customer",
    "Bought only %(name)s so far", "Bought from %(n)s categories, mostly %(name)s",
    "%(percent)s of the money spent was refunded", "Cart of %(ago)s not ordered",
    # subscriptions
    "Subscription %(percent)s dearer than before, since %(ago)s", "Subscription paused %(ago)s",
    "Subscribed for %(span)s", "Subscription cancelled %(ago)s", "Unsubscribed %(ago)s",
    # use
    "%(counted)s used in the last four weeks",
    "%(counted)s used in the last four weeks, %(n)s more in the twelve before",
    "Last seen %(ago)s", "Last %(noun)s %(ago)s", "Last %(noun)s %(ago)s, before that about %(n)s in two weeks",
    *(
        f"{verb}{text}"
        for verb in ("Visited", "Logged in", "Used the app")
        for text in (
            " %(counted)s in the last two weeks", " about %(counted)s in the last two weeks",
            " %(counted)s in the last two weeks, before that about %(n)s",
            " about %(counted)s in the last two weeks, before that about %(n_2)s",
            " %(counted)s in the last two weeks, before that hardly ever",
            " about %(counted)s in the last two weeks, before that hardly ever",
            " less often than before",
        )
    ),
    # support, and what went wrong
    "Waiting %(span)s for an answer to a ticket", "%(n)s open tickets, one for %(span)s",
    "Waiting %(span)s for an answer to a ticket, usually %(span_2)s",
    "%(n)s open tickets, one for %(span)s, usually %(span_2)s", "%(n)s of %(counted)s reopened",
    "Tickets took %(span)s to be solved", "The latest ticket took %(span)s to be solved, %(ago)s",
    "%(counted)s opened in the last 30 days", "%(counted)s reopened in the last 30 days",
    "%(counted)s in the last 30 days", "About %(counted)s in the last 30 days",
    "%(counted)s in the last 30 days, the last %(ago)s", "About %(counted)s in the last 30 days, the last %(ago)s",
    "%(counted)s, the last %(ago)s", "%(what)s %(ago)s",
    # answers
    *(
        f"{said}{after}"
        for said in (
            "Reviewed with %(n)s of %(n_2)s", "Reviewed with %(n)s", "Answered %(survey)s %(n)s of %(n_2)s",
            "Answered %(survey)s %(n)s",
        )
        for after in (", %(ago)s", ", %(ago)s, on average %(n_3)s")
    ),
    # remarks
    "Nothing that is known of the customer raises the risk above that of the average customer",
    "No cause shows: no trouble and no fall of use that would be more than is usual",
    "Has probably left, around %(date)s", "Has probably left, around %(date)s, after: %(sentences)s",
    "Customers leave more often than what is known of them says",
    "Customers leave less often than what is known of them says",
    "Customers %(whose)s leave more often than what is known of them says",
    "Customers %(whose)s leave less often than what is known of them says",
    "who ordered once", "who ordered again", "with a subscription", "who have ordered at a discount",
    "who are never seen on pages or in apps", "who are met in %(name)s", "in the segment %(name)s",
    "with %(trait)s %(name)s", "whose average order is %(n)s to %(n_2)s",
    "whose average order is %(n)s to %(n_2)s and who ordered once",
    "whose average order is %(n)s to %(n_2)s and who ordered again",
    "whose average order is %(n)s to %(n_2)s and whose last order was %(n_3)s to %(n_4)s weeks ago",
    "whose average order is %(n)s to %(n_2)s and whose last order was %(n_3)s weeks or more ago",
    # what would lower the risk
    "An order today", "The open ticket solved", "All %(n)s open tickets solved", "%(counted)s this week",
    "%(counted)s this week, as before", "%(counted)s of the app this week",
    "%(counted)s of the app this week, as before",
    "The complaint of %(ago)s made good", "The payment refused %(ago)s made after all",
    "The subscription taken up again", "A click in one of our messages",
    # what distinguishes the members of a segment
    "uses %(word)s", "buys %(name)s", "stage %(word)s",
    # companies
    "Active members a week are %(percent)s fewer than usual in the 12 weeks before",
    "%(percent)s of its use has probably stopped: members are silent who came regularly",
    "%(counted)s left or fell silent, and nobody has followed", "%(counted)s works with it", "%(counted)s work with it",
    "%(counted)s waited for 3 days or came back in the last 13 weeks", "The last answer to a survey was a bad one",
    "The last answer to a survey was a good one", "A payment failed %(counted)s ago, and none has come since",
    "The contract is paused", "The price rose by %(percent)s",
    "The contract ends in %(counted)s, and does not go on by itself",
    "The contract runs on for longer than the risk looks ahead", "Nobody of ours has spoken with them for %(counted)s",
    "nothing is known", "nobody has looked at the company since its health is worked out",
    "fewer than 3 parts are known: %(sentences)s", "nobody has worked with it for half a year",
    "there is no contract that could end", "nobody has looked at it since", "the contract has ended",
    "too little use, or for less than six weeks, to say what is usual", "no feature of the product was used",
    "nobody said how many seats were bought", "no goal was reached, and the contract is as it was", "no ticket so far",
    "no answer to a survey within half a year", "nobody has spoken with them, and nobody works with it",
    "no payment so far", "active members a week are at %(percent)s of the usual %(n)s",
    "nobody was active for 28 days", "%(n)s of %(counted)s used by several within 28 days",
    "%(n)s of %(counted)s used within 28 days", "the contract grew by %(percent)s",
    "the contract shrank by %(percent)s", "a goal was reached %(counted)s ago",
    "%(counted)s, of which %(n)s for 3 days or longer", "the last answers to %(counted)s of survey",
    "%(counted)s, nobody has spoken with them", "no champion, nobody has spoken with them",
    "%(counted)s, last spoken with %(counted_2)s ago", "no champion, last spoken with %(counted)s ago",
    "a payment failed %(counted)s ago", "all is paid",
)  # fmt: skip
"""Each pattern, with the kind of each part as its name (`_LOOKS`)."""

_MORE = ("more", "less", "fewer")
_KEPT = 16_384  # sentences: they hold names and numbers, so that there is no end of them
_AGES = ("today", "yesterday", "%(span)s ago")
_NUMBER = r"[\d,.]+"
_PLACE = re.compile(r"%\(([a-z]+)(?:_\d)?\)s")

_LOOSE = re.compile(r"%\((?:name|what|whose|sentences)")  # parts that look like anything

Translate = Callable[[str], str]


def messages() -> Iterator[str]:
    """All that catalogues have to say."""
    yield from PHRASES
    yield from NEWS
    yield from condition_words.messages()
    yield from (text for kind in KINDS.values() for text in (kind.meaning, kind.basis))
    yield from DONE.values()
    yield from ("; ", " and ")
    yield from (*_AGES, *_MORE)
    yield from NOUNS
    yield from (f"%(n)s {noun}" for noun in COUNTED)


def phrase(text: str, language: str) -> str:
    """A sentence in a language; as it is where the language is English, or its pattern is not known."""
    return text if language == "en" else _phrase(text, language)


def phrase_of_plan(text: str, language: str) -> str:
    """The same in a language as plans name it: zh-Hans."""
    return phrase(text, language.replace("-", "_"))


@lru_cache(_KEPT)
def _phrase(text: str, language: str) -> str:
    translate = translations(language).gettext
    for beginning, pattern, message in _patterns():
        if beginning and not text.lower().startswith(beginning):
            continue
        if (found := pattern.fullmatch(text)) is not None:
            parts = {name: _part(name, said, translate, language) for name, said in found.groupdict().items()}
            return translate(message) % parts if parts else translate(message)
    return translate(text) if text else ""


@cache
def _patterns() -> list[tuple[str, re.Pattern[str], str]]:
    """With the lower-case letters that each begins with, so that hardly any is tried in vain; the more exact first."""
    found = []
    for message in sorted((*PHRASES, *NEWS), key=lambda one: (bool(_LOOSE.search(one)), -len(one))):
        place = _PLACE.search(message)
        found.append((message[: place.start() if place else None].lower(), _compiled(message), message))
    return found


def _compiled(message: str) -> re.Pattern[str]:
    parts, at = [], 0
    for place in re.finditer(r"%\((\w+)\)s", message):
        parts += [re.escape(message[at : place.start()]), f"(?P<{place[1]}>{_LOOKS[_kind(place[1])]})"]
        at = place.end()
    return re.compile("".join([*parts, re.escape(message[at:])]), re.IGNORECASE)


def _kind(name: str) -> str:
    return name.partition("_")[0]


def _either(texts: Iterator[str]) -> str:
    return "|".join(sorted(map(re.escape, set(texts)), key=len, reverse=True))


def _forms(noun: str) -> tuple[str, ...]:
    """One and several of it: "deliveries late", "open tickets"."""
    return noun, count(2, noun)[2:], f"{noun}s"


_SPAN = r"[\d.,]+ (?:days?|months?|years?)"
_LOOKS = {
    "n": _NUMBER,
    "percent": r"[+-]?[\d,.]+%",
    "span": _SPAN,
    "ago": rf"today|yesterday|{_SPAN} ago",
    "counted": rf"{_NUMBER} (?:{_either(form for noun in COUNTED for form in _forms(noun))})",
    "noun": _either(iter(NOUNS)),
    "what": _either(iter(NOUNS)),
    "money": rf"{_NUMBER}(?: [A-Z]+)?",
    "survey": r"CSAT|NPS|CES",
    "date": r"\d+ \w+ \d{4}",
    "more": _either(iter(_MORE)),
    "model": r"[\w/-]+",
    "word": r"[\w ]+",
    "name": r".+",
    "trait": r"\S+",
    "whose": r".+",
    "sentences": r".+",
}
"""What each kind of part looks like."""


def _part(name: str, said: str, translate: Translate, language: str) -> str:
    kind = _kind(name)
    if kind == "sentences":
        return translate("; ").join(_phrase(one, language) for one in said.split("; "))
    if kind == "whose":
        whole = _phrase(said, language)
        each = said.split(" and ") if whole == said else []
        return translate(" and ").join(_phrase(one, language) for one in each) or whole
    if kind == "ago":
        age = said.lower()
        if age in _AGES:
            return translate(age)
        return translate("%(span)s ago") % {"span": _part("span", said.removesuffix(" ago"), translate, language)}
    if kind in ("span", "counted"):
        number, _, noun = said.partition(" ")
        return translate(f"%(n)s {_singular(noun.lower())}") % {"n": number}
    if kind == "date":
        return _date(said, language)
    if kind in ("noun", "what", "more", "word"):
        return translate(said.lower())
    return said


def _date(said: str, language: str) -> str:
    """A day that models write as 3 May 2026; as it is if it is none."""
    try:
        day = datetime.strptime(said, "%d %B %Y").date()  # noqa: DTZ007  (a day, of no zone)
    except ValueError:
        return said
    return format_date(day, "long", locale=language)


@cache
def _singular(words: str) -> str:
    return next((noun for noun in COUNTED if words in _forms(noun)), words)
