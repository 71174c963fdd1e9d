"""Days to the next purchase, waiting customers included, by hand and against plain Python."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from statsmodels.duration.survfunc import SurvfuncRight

from analysis.keeping.repurchase_gap import REPURCHASE_GAP, Asked
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import END, compare_lists, engine_of, history, retold


def test_those_who_wait_count() -> None:
    """Gaps of 10 and 20 days, three who wait 40: half have bought again never, a quarter after 20 days."""
    shop = [happened(name, "purchase", "01-01", subject=name, amount=1) for name in "ABCDE"]
    shop += [happened("A", "purchase", "01-11", subject="a2", amount=1)]
    shop += [happened("A", "purchase", "01-11 15:00", subject="a3", amount=1)]  # the same day is one purchase day
    shop += [happened("B", "purchase", "01-21", subject="b2", amount=1)]
    rows = run(REPURCHASE_GAP, archived(shop, until="02-10"), Asked()).rows
    head = rows[0]
    assert (head["number"], head["days"], head["gaps"], head["open"]) == (1, None, 2, 3)
    assert (head["p25"], head["p50"]) == (20, None)
    curve = [(row["days"], row["at_risk"], row["again"]) for row in rows if row["number"] == 1 and row["days"]]
    assert curve == [(10, 5, 1 - 4 / 5), (20, 4, 1 - 4 / 5 * 3 / 4), (40, 3, 1 - 4 / 5 * 3 / 4)]


def test_the_same_as_statsmodels() -> None:
    engine = engine_of(retold(history()))
    asked = Asked(since=date(2024, 9, 1), numbers=3)
    rows = run(REPURCHASE_GAP, engine, asked).rows
    days: dict[str, list[date]] = defaultdict(list)
    for customer, day, _ in history().of("purchase"):
        if day not in days[customer]:
            days[customer].append(day)
    gaps: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    for theirs in days.values():
        for number, day in enumerate(theirs):
            last = number == len(theirs) - 1
            gaps[min(number + 1, 3)].append(((END.date() if last else theirs[number + 1], not last)[0] - day, not last))
    for number, theirs in gaps.items():
        expected = SurvfuncRight([gap.days for gap, _ in theirs], [int(ended) for _, ended in theirs])
        [head] = [row for row in rows if row["number"] == number and row["days"] is None]
        assert head["gaps"] == sum(ended for _, ended in theirs)
        assert [head["p25"], head["p50"]] == [expected.quantile(0.25), expected.quantile(0.5)]
        low, high = expected.quantile_ci(0.25, method="cloglog")
        assert (head["p25_low"], head["p25_high"]) == (low, high)
    compare_lists(REPURCHASE_GAP, engine, asked, rows)
