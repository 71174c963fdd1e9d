"""The path of an event, top to bottom. Read this first.

An event enters through the collector (or any Kafka producer) on a source topic, keyed by its sender. *Ingest* makes
it neutral, finds out whose it is and hands it on by profile id; what can never be accepted goes to `events.rejected`
with its bytes and the reason. *Profile* folds it into its customer's profile and derives what follows from it: score,
segments, alerts, labels, and the time at which silence will matter. All of that is one atomic commit, together with the
outputs (the outbox) and the offset up to which the log has been applied.

`streams/worker/ingest.py` and `streams/worker/profiles.py` are the runners: they alone talk to Kafka and the store.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from models.cases.following import Cases
from models.churn.panel import Panel
from models.conditions.rules import Grain, of_grain
from models.population.snapshot import PopulationSnapshot
from models.segments.alerts import Alerts, compile_alerts
from models.segments.held import Holding, hold_nothing
from models.segments.membership import Segments, compile_segments
from plan import Plan
from profiles.companies.sharing import Companies
from profiles.consent import Consent
from profiles.state import Limits
from streams.daily.tally import tally
from streams.settings import Settings
from streams.steps.alert import alert
from streams.steps.check import check, ignore
from streams.steps.claim import claim
from streams.steps.consent import consent, withdraw
from streams.steps.decode import decode, tell_time
from streams.steps.identify import Erased, Links, identify, meet
from streams.steps.intake import InChunks, Intake
from streams.steps.label import label
from streams.steps.outages import detect_outages
from streams.steps.pack import pack
from streams.steps.schedule import postpone, schedule
from streams.steps.score import score
from streams.steps.segment import segment
from streams.steps.update import update
from streams.steps.work import Work

__all__ = [
    "Pipeline", "arrival_pipeline", "backlog_pipeline", "ingest_pipeline",
    "limits_of", "profile_pipeline", "review_pipeline",
]  # fmt: skip

Batch = TypeVar("Batch")
Step = Callable[[Batch], None] | Callable[[Batch], Awaitable[None]]


def ingest_pipeline(plan: Plan, links: Links, erased: Erased) -> Pipeline[Intake]:
    """From the raw records of one source to neutral events, each with its profile."""
    return Pipeline(
        InChunks(
            decode(plan.earliest),
            *ignore(plan),
            check(plan),
            identify(plan, erased),
            consent(plan),
            claim(plan),
            pack(),
            withdraw(plan, erased),
        ),
        meet(plan, links),
    )


def arrival_pipeline(plan: Plan) -> Pipeline[Intake]:
    """What happens to a record when it is read. Then it may wait, until the clock lets it in to be ingested."""
    return Pipeline(tell_time(plan.earliest))


def profile_pipeline(
    plan: Plan,
    settings: Settings,
    panel: Callable[[], Panel],
    population: Callable[[], PopulationSnapshot],
    holding: Holding = hold_nothing,
) -> Pipeline[Work]:
    """From the events and commands of one partition to changed profiles and what follows from them."""
    segments, alerts = _rules(plan, population)
    theirs = _rules(plan, population, "company") if plan.group else None
    return Pipeline(
        detect_outages(plan.churn),
        update(plan.currency, limits_of(settings, plan)),
        score(panel, plan.churn, plan.currency, plan.consent, plan.judging),
        segment(segments, holding, of_companies=theirs and theirs[0]),
        alert(
            alerts,
            plan.consent,
            holding,
            of_companies=theirs and theirs[1],
            cases=_cases(plan),
            cases_of_companies=_cases_of_companies(plan),
        ),
        label(plan.churn, plan.currency, plan.consent, panel, plan.judging),
        schedule(segments, alerts, plan.churn, of_companies=theirs, companies=plan.judging),
        tally(plan.contribution),
    )


def _rules(
    plan: Plan, population: Callable[[], PopulationSnapshot], grain: Grain = "customer"
) -> tuple[Segments, Alerts]:
    """The segments and alerts of customers, or those of companies: what members allow is heeded in their shares."""
    consent = plan.consent if grain == "customer" else Consent()
    segments = compile_segments(of_grain(plan.segments, grain), plan.currency, consent, population)
    # Nobody learns what acting on alerts about companies is worth, so none is held out.
    rules, hold_out = of_grain(plan.alerts, grain), plan.churn.hold_out if grain == "customer" else 0.0
    alerts = compile_alerts(rules, plan.currency, segments.names, consent, segments.needs, population, hold_out)
    return segments, alerts


def _cases(plan: Plan) -> Cases:
    rules, churn = of_grain(plan.alerts, "customer"), plan.churn
    return Cases(rules, plan.currency, churn.horizon, churn.hold_out, plan.consent, plan.file.routes)


def _cases_of_companies(plan: Plan) -> Cases | None:
    """The same of companies: none is held out, and what members allow is heeded in their shares."""
    if plan.judging is None:
        return None
    rules, horizon = of_grain(plan.alerts, "company"), plan.judging.ground.horizon
    return Cases(rules, plan.currency, horizon, 0.0, Consent(), plan.file.routes)


def backlog_pipeline(plan: Plan, settings: Settings) -> Pipeline[Work]:
    """What happens to profiles while more events wait: they change, and are looked at later."""
    return Pipeline(
        detect_outages(plan.churn, settles=False),
        update(plan.currency, limits_of(settings, plan)),
        postpone(),
        tally(plan.contribution),
    )


def review_pipeline(
    plan: Plan, population: Callable[[], PopulationSnapshot], holding: Holding = hold_nothing
) -> Pipeline[Work]:
    """What follows from a newer population for customers to whom nothing happened: neither score nor labels."""
    segments, alerts = _rules(plan, population)
    theirs = _rules(plan, population, "company") if plan.group else None
    return Pipeline(
        segment(segments, holding, of_companies=theirs and theirs[0]),
        alert(
            alerts,
            plan.consent,
            holding,
            of_companies=theirs and theirs[1],
            cases=_cases(plan),
            cases_of_companies=_cases_of_companies(plan),
        ),
        schedule(segments, alerts, plan.churn, of_companies=theirs, companies=plan.judging),
        tally(plan.contribution),
    )


def limits_of(settings: Settings, plan: Plan) -> Limits:
    """The bounds of what a profile keeps; the same wherever events are applied, or the results would differ."""
    limits = dataclasses.replace(plan.limits, timeline=settings.timeline, seen=settings.seen)
    if not plan.group:
        return limits
    champions = plan.champions
    companies = Companies(
        plan.group, plan.company, plan.cell, plan.consent, limits, plan.currency,
        champions=champions, traits=plan.companies_in,
    )  # fmt: skip
    return dataclasses.replace(limits, companies=companies)


class Pipeline(Generic[Batch]):
    """A flat list of steps."""

    def __init__(self, *steps: Step[Batch]) -> None:
        self.steps: Sequence[Step[Batch]] = steps

    async def run(self, *batches: Batch) -> None:
        """Take batches through every step, side by side: each step sees all of them before the next begins.

        A step that has a form for several batches (`together`) gets them at once.
        """
        for step in self.steps if batches else ():
            if (together := getattr(step, "together", None)) is not None:
                together(batches)
                continue
            for batch in batches:
                waiting = step(batch)
                if inspect.isawaitable(waiting):
                    await waiting
