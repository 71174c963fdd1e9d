"""Which alerts a rebuild knows of, and which of two of one rule stands after it."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from models.cases.case_document import case_document
from models.segments.alert_document import alert_document
from profiles.types import Alert, Case, Profile
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.rebuild.alerts import Told, cases_of_owners, read_alerts, read_cases, standing


def alert(id_: str, state: str, opened: float, changed: float | None = None) -> Alert:
    return Alert(id_, "r", state, opened, opened if changed is None else changed, 0.5)


@pytest.mark.parametrize(
    ("played", "told", "stands"),
    [
        (None, alert("t", "open", 5), ("t", 5)),  # false: workers will find it over, and say so
        (alert("p", "open", 3), None, ("p", 3)),
        (alert("p", "open", 3), alert("t", "open", 5), ("t", 3)),  # known under its id, open for longer
        (alert("p", "cleared", 3), alert("t", "acknowledged", 5), ("t", 5)),
        (alert("p", "open", 3), alert("t", "resolved", 5, 6), ("t", 5)),  # people are done with it
        (alert("p", "open", 9), alert("t", "resolved", 5, 6), ("p", 9)),  # but not with this one
        (alert("p", "open", 3), alert("t", "cleared", 5, 6), ("p", 3)),
        (alert("p", "cleared", 3), alert("t", "cleared", 5, 6), ("p", 3)),
    ],
)
def test_what_was_told_stands_where_people_or_their_tools_know_of_it(
    played: Alert | None, told: Alert | None, stands: tuple[str, float]
) -> None:
    found = standing(played, told)
    assert found is not None
    assert (found.id, found.opened) == stands


def read(*alerts: Alert) -> Told:
    """What a rebuild knows of a customer of whom these were told."""
    log = MemoryLog({"alerts": 1})

    def message(told: Alert) -> bytes:
        id_ = f"{told.id}:{told.state}:{told.changed!r}"
        return orjson.dumps({"id": id_, "profile": "a", "at": "", "alert": alert_document(Profile("a"), told)})

    async def run() -> Told:
        await log.produce(Row("alerts", 0, b"a", message(told), []) for told in alerts)
        return await read_alerts(log, await log.extents("alerts"))

    return asyncio.run(run())


def test_whoever_comes_back_after_an_erasure_has_no_alert_of_before() -> None:
    """Neither as it was nor as the erasure ended it, and nobody has acted on it."""
    acted, ended = alert("1", "acknowledged", 2, 3), alert("1", "cleared", 2, 4)
    ended.note = "erased"

    assert read(acted, ended) == Told()
    again = read(acted, ended, alert("2", "resolved", 5, 6))
    assert [held.id for held in again.latest["a"].values()] == ["2"]
    assert again.decided == {"a": [6.0]}
    by_a_person = alert("1", "cleared", 2, 4)
    by_a_person.note, by_a_person.by = "erased", "kim"
    assert read(acted, by_a_person).decided == {"a": [3.0]}


def test_the_newest_state_of_each_case_counts_in_whatever_order_partitions_tell_of_it() -> None:
    """Of two who met, the one case that stays is whose they are; of who is erased there is none."""
    log, found = MemoryLog({"cases": 2}), Told()
    a, b = Case("cs_a", "retention", "new", 1.0, 5.0), Case("cs_b", "retention", "acknowledged", 2.0, 6.0)
    joined = Case("cs_a", "retention", "acknowledged", 1.0, 6.0, merged=["cs_b"])
    over = Case("cs_b", "retention", "cleared", 2.0, 7.0)
    gone, erased = Case("cs_c", "retention", "new", 1.0, 1.0), Case("cs_c", "retention", "erased", 1.0, 2.0)

    async def run() -> None:
        told = [(0, "a", a), (0, "a", over), (0, "a", joined), (0, "d", erased), (1, "b", b), (1, "c", gone)]
        await log.produce(
            Row("cases", partition, b"", orjson.dumps({"profile": whose, "case": case_document(whose, case)}))
            for partition, whose, case in told
        )
        await read_cases(log, await log.extents("cases"), found)

    asyncio.run(run())
    assert cases_of_owners(found.cases.values(), {"b": "a"}) == {"a": joined}
