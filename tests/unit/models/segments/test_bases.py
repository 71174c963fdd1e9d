"""Of which basis a segment is: told, or by what its condition reads."""

from __future__ import annotations

import pytest

from models.segments.bases import bases_of
from plan.load import parse_segment


@pytest.mark.parametrize(
    ("when", "basis"),
    [
        ("{trait: gender, is: f}", "demographic"),
        ("{trait: country, in: [NL, BE]}", "geographic"),
        ("{trait: address.city, is: Ghent}", "geographic"),
        ("{trait: interests, is: tea}", "psychographic"),
        ("{count: visit, where: {device: mobile}, at_least: 2}", "technographic"),
        ("{count: purchase, at_least: 2}", "behavioural"),
        ("{stage: new}", "behavioural"),
        ("{since: search, less_than: 7d}", "needs"),
        ("{count: visit, where: {weekday: [sat, sun]}, at_least: 2}", "occasion"),
        ("{sum: net, above: 500}", "value"),
        ("{all: [{count: purchase, at_least: 2}, {quantile: revenue, top: 0.1}]}", "value"),
        ("{trait: company.industry, is: retail}", "firmographic"),
    ],
)
def test_what_a_condition_reads(when: str, basis: str) -> None:
    assert bases_of([parse_segment(when, "text", "some")]) == {"some": basis}


def test_what_the_plan_says_goes_before_and_a_segment_counts_as_what_it_is() -> None:
    told = parse_segment("{when: {stage: new}, basis: occasion}", "text", "told")
    after = parse_segment("{segment: told}", "text", "after")
    company = parse_segment("{when: {count: purchase, at_least: 2}, grain: company}", "text", "company")
    assert bases_of([told, after, company]) == {"told": "occasion", "after": "occasion", "company": "firmographic"}
