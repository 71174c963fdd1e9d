"""Conditions, routes and definitions of churn in the viewer's language: the messages they are said by.

Rules say themselves (`models.conditions.words`), in messages with places for what differs. Documents of the API hold
what they say in English; pages ask here for the same of the plan, by what the document holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from console.pages.languages import translations
from models.companies.measures import MEASURES as OF_COMPANIES
from models.conditions.rules import SCORES
from models.conditions.words import UNITS, Say
from models.population.measures import MEASURES
from plan import Plan
from plan.model import ROLES

__all__ = ["MESSAGES", "PlanWords", "say_in"]

MESSAGES = (
    " and ", " or ", ", ", "; ", "yes", "no", "(%(what)s)", "not %(what)s",
    # comparisons and dates
    "above %(limit)s", "below %(limit)s", "at least %(limit)s", "at most %(limit)s", "%(what)s is %(value)s",
    "%(what)s is known", "%(what)s is unknown", "within %(span)s", "in more than %(span)s", "%(span)s ago or more",
    "past", "less than %(span)s ago", "before %(date)s", "not before %(date)s", "%(what)s within %(span)s",
    # what was done
    "%(role)s where %(which)s", "%(what)s %(often)s time", "%(what)s %(often)s times",
    "recent %(what)s %(often)s (each halves in %(span)s)", "last seen", "last %(role)s", "more than %(span)s",
    "less than %(span)s", "%(what)s %(spans)s ago", "(%(what)s, or never)", "no %(role)s for %(span)s (or never)",
    "no %(role)s for %(span)s (but before)", "last %(role)s after the last %(other)s",
    "last %(role)s %(span)s or more after the last %(other)s", "%(what)s, or without any",
    "silence %(often)s times the usual gap between orders", "revenue", "refunds", "revenue less refunds",
    "items bought", "%(what)s %(often)s times %(other)s", "open tickets", "last %(survey)s", "average %(survey)s",
    # subscriptions
    "with a subscription", "with no subscription left", "its paid period ends %(when)s", "started %(when)s",
    "renewed %(when)s", "changed %(when)s", "cancelled %(when)s", "paid by the %(interval)s", "seats",
    "monthly revenue", "grew last", "shrank last",
    # where somebody stands
    "in segment %(name)s", "stage is %(value)s", "in learned cluster %(name)s", "known by %(name)s", "churn risk",
    "churn risk (%(name)s)", "in the top %(share)s by %(what)s", "in the bottom %(share)s by %(what)s",
    "between %(low)s and %(high)s by %(what)s", "%(what)s fifth %(which)s",
    # alerts
    "ends below %(limit)s", "not again for %(span)s",
    # routes
    "any case", "of a company", "of a customer", "has left", "has not left", "severity %(name)s", "alert %(name)s",
    "of company %(name)s", "told to %(name)s", "again every %(span)s", "after %(span)s to %(name)s",
    "at most %(n)s a day", "and on to the next", "%(time)s to %(end)s", "quiet %(when)s, then in one digest",
    "quiet %(when)s, then one by one",
    # definitions of churn
    "no %(role)s", "no use of %(name)s", "no subscription left", "no recurring revenue left",
    "%(what)s, cancelled or not renewed", "nobody works with it any more",
)  # fmt: skip
"""Each, with the places in it."""

_NAMES = ("recency", "frequency", "monetary", "csat", "nps", "ces", "review")


def messages() -> Iterator[str]:
    """All that a catalogue has to say of conditions: messages, and names of the vocabulary."""
    yield from MESSAGES
    yield from UNITS
    yield from SCORES.values()
    yield from (measure.words for measure in OF_COMPANIES.values())
    yield from (name.replace("_", " ") for name in (*ROLES, *MEASURES, *_NAMES))


@cache
def say_in(language: str) -> Say:
    """What says conditions in a language of the pages."""
    translate = translations(language).gettext
    return Say(translate, lambda name: translate(name.replace("_", " ")) if name else "")


class PlanWords:
    """What a plan's rules say, in each language.

    Args:
        plan: whose segments, alerts, routes and definitions of churn these are.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._known: dict[str, Mapping[str, str]] = {}

    def say(self, text: str, language: str) -> str:
        """A rule of the plan in a language, by what it says in English; as it is where the plan has no such rule."""
        if language == "en":
            return text
        if language not in self._known:
            self._known[language] = dict(self._rules(say_in(language)))
        return self._known[language].get(text, text)

    def _rules(self, say: Say) -> Iterator[tuple[str, str]]:
        plan = self._plan
        for segment in plan.segments:
            yield segment.when.in_words(), segment.when.in_words(say)
        for alert in plan.alerts:
            yield alert.in_words(), alert.in_words(say)
        for route in plan.file.routes:
            yield route.when.in_words(), route.when.in_words(say)
            yield route.goes_to(), route.goes_to(say)
        if plan.judging is not None:
            yield plan.judging.means, plan.judging.in_words(say)
