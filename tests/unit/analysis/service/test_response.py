"""Who did what after a campaign had reached them."""

from __future__ import annotations

from analysis.running import run
from analysis.service.response import RESPONSE, Asked
from tests.analysed import archived, happened


def test_only_what_comes_within_days_after_it_counts() -> None:
    events = [
        happened("a", "contact_made", "03-02", utm_campaign="spring"),
        happened("a", "contact_clicked", "03-03", utm_campaign="spring"),
        happened("a", "purchase", "03-08", amount=100, subject="1"),
        happened("b", "contact_made", "03-02", utm_campaign="spring"),
        happened("b", "contact_clicked", "03-01", utm_campaign="spring"),
        happened("b", "purchase", "03-20", amount=100, subject="2"),
        happened("b", "unsubscribe", "03-04"),
        happened("c", "contact_made", "03-02", utm_campaign="summer"),
        happened("c", "contact_clicked", "03-03", utm_campaign="spring"),
    ]
    rows = {row["campaign"]: row for row in run(RESPONSE, archived(events, until="04-10"), Asked()).rows}
    spring = rows["spring"]
    assert [spring[name] for name in ("reached", "clicked", "bought", "unsubscribed")] == [2, 1, 1, 1]
    assert [rows["summer"][name] for name in ("reached", "clicked", "bought", "unsubscribed")] == [1, 0, 0, 0]
