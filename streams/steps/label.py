"""Label: release the labels that have matured, and keep the features of now for the labels to come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import msgspec

from models.churn.panel import Panel
from models.companies.judging import Judging
from models.companies.labels import COMPANIES, CompanyLabels
from models.config import ChurnConfig
from models.labels import snapshots
from models.labels.examples import Example, Of, OrderSummary
from models.labels.outages import label_clock, outages_of
from profiles.consent import PROFILING, Consent
from profiles.store import Output
from profiles.types import Profile, is_company
from streams.kafka.topics import TRAINING_EXAMPLES
from streams.steps.work import Together, Work

__all__ = ["label"]

_encode = msgspec.msgpack.Encoder().encode


def label(
    config: ChurnConfig,
    currency: str,
    consent: Consent,
    panel: Callable[[], Panel],
    companies: Judging | None = None,
) -> Together:
    """The step that releases labels and takes snapshots.

    It comes after the segments, so that a snapshot holds those of its own moment.

    A label is released when its time has passed for the labels of the partition, for both answers alike, and never
    over an outage. At the end of a step of the clock all is known of everybody, so there the clock alone counts, and it
    makes no difference who shares a partition. Who does not allow profiling is not photographed, and what waits is
    dropped.

    Args:
        config: of churn, from the plan.
        currency: of the plan.
        consent: who may be photographed.
        panel: answers the models that score now.
        companies: looks at those; None of a plan without any.
    """

    further = config.each()[1:]

    def together(works: Sequence[Work]) -> None:
        due: defaultdict[float, list[tuple[Work, Profile]]] = defaultdict(list)
        for work in works:
            for profile in release(work):
                due[work.at(profile)].append((work, profile))
        for now, waiting in due.items():
            of_whom = {profile.id: work for work, profile in waiting}
            profiles = [profile for _, profile in waiting]
            for summary in snapshots.take_all(profiles, now, config, currency, panel()):
                _tell(of_whom[summary.profile], summary)
        for definition in further:
            by_definition(definition, works)
        if companies is not None:
            _of_companies(companies.labels, works)

    def release(work: Work) -> Iterator[Profile]:
        """Release the labels of a partition; answer who is due for a snapshot."""
        outages = outages_of(work.everybody or work.arrival_rates, max(work.watermark, work.gate), config)
        for profile in work.live():
            if is_company(profile.id):
                continue
            now = work.at(profile)
            if not consent.allows(profile, PROFILING):
                snapshots.censor(profile, tally=work.labels)
                profile.snapshot_at = 0
                for churn in (profile.churns or {}).values():
                    churn.snapshot_at = 0
                continue
            if profile.snapshots:
                reached = now if work.gate else label_clock(work.arrival_rates, now, work.watermark, config)
                for example in snapshots.mature(profile, reached, config, outages, work.labels):
                    _tell(work, example)
            if profile.snapshot_at and profile.snapshot_at <= now:
                yield profile
            profile.snapshot_at = snapshots.next_snapshot(profile, now, config) or 0

    def by_definition(definition: ChurnConfig, works: Sequence[Work]) -> None:
        """The same by a further definition of churn. Orders tell its models nothing, so no summary is told of them."""
        due: defaultdict[float, list[Profile]] = defaultdict(list)
        for work in works:
            outages = outages_of(work.everybody or work.arrival_rates, max(work.watermark, work.gate), definition)
            for profile in work.live():
                churn, now = (profile.churns or {}).get(definition.name), work.at(profile)
                if churn is None or not consent.allows(profile, PROFILING):
                    continue
                if churn.snapshots:
                    reached = now if work.gate else label_clock(work.arrival_rates, now, work.watermark, definition)
                    for example in snapshots.mature(profile, reached, definition, outages, work.labels):
                        _tell(work, example, definition.name)
                if churn.snapshot_at and churn.snapshot_at <= now:
                    due[now].append(profile)
                churn.snapshot_at = snapshots.next_snapshot(profile, now, definition) or 0
        for now, profiles in due.items():
            snapshots.take_all(profiles, now, definition, currency, panel().of(definition.name))

    return Together("label", together)


def _of_companies(labels: CompanyLabels, works: Sequence[Work]) -> None:
    """The same of companies, by signals in place of features."""
    for work in works:
        outages = outages_of(work.everybody or work.arrival_rates, max(work.watermark, work.gate), labels.config)
        for company in work.live():
            if not is_company(company.id):
                continue
            now = work.at(company)
            if company.snapshots:
                reached = now if work.gate else label_clock(work.arrival_rates, now, work.watermark, labels.config)
                for example in labels.mature(company, reached, outages, work.labels):
                    _tell(work, example, COMPANIES)
            if 0 < company.snapshot_at <= now:
                labels.take(company, now)
            company.snapshot_at = labels.next_snapshot(company, now) or 0


def _tell(work: Work, record: Example | OrderSummary, churn: str = "") -> None:
    if work.gate:
        record = msgspec.structs.replace(record, border=work.gate)
    told = Of(churn, record) if churn and isinstance(record, Example) else record
    work.outputs.append(Output(TRAINING_EXAMPLES, record.profile.encode(), _encode(told), told.key, partition=0))
