"""The archive's pure parts: rows, what is taken and what is a repeat, manifests and their conflicts."""

from __future__ import annotations

import itertools
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.archive.columns import EVENTS, Placed, consent, day_of, events_in, to_table
from analysis.archive.facts import FactsOf
from analysis.archive.folder import Folder
from analysis.archive.manifests import CHECKPOINT, load
from analysis.archive.reader import events, events_of, files, progress
from plan import Plan, load_plan
from plan.model import GroupSpec
from profiles.errors import Misconfigured, RapportError
from profiles.types import Absorb, Claim, Erase, Event, Grouping, Join, Lift, Merge, Origin, Record, Split, Terms
from streams.archive.compact import compact
from streams.archive.gather import Gatherer, Memory, prime
from streams.archive.manifest_log import Changed, ManifestLog, Overtaken
from streams.archive.write import keys_of, write_flush
from streams.companies.erasing import unnaming
from streams.rebuild.ownership import archived_decisions
from tests import REPOSITORY

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})
FACTS_OF = FactsOf(PLAN)

_NUMBERS = itertools.count()

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
json = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
)
objects = st.dictionaries(texts, json, max_size=4)
times = st.floats(-62135596800.0, 253402214400.0)
claims = st.builds(
    Claim, role=texts, traits=objects, identities=st.lists(st.tuples(texts, texts), max_size=2), named=st.booleans()
)
whole_events = st.builds(
    Event,
    profile=texts, id=texts, source=texts, type=texts, name=texts, role=texts, time=times, received=times,
    identities=st.lists(st.tuples(texts, texts), max_size=3), traits=objects, amount=st.integers(-(10**16), 10**16),
    currency=texts, quantity=st.floats(-1e12, 1e12), subject=texts, rating=st.none() | st.floats(-1e12, 1e12),
    properties=objects, context=objects, violations=st.lists(texts, max_size=2),
    origin=st.tuples(texts, st.integers(0, 999), st.integers(0, 2**62)), category=texts, claim=st.none() | claims,
    refund=texts, remembered=st.lists(st.tuples(texts, texts), max_size=2), signed=st.booleans(),
    terms=st.none() | st.builds(
        Terms, st.none() | times, texts, st.none() | st.integers(0, 99), st.none() | st.integers(-1, 10**16)
    ),
)  # fmt: skip


def event(profile: str, id_: str, *, origin: Origin = ("", 0, 0), time: float = 1_700_000_000.0, **more: Any) -> Event:
    return Event(profile, id_, "web", "track", "Order Completed", "purchase", time, time, origin=origin, **more)


def merge(home: str, profile: str, place: int) -> Merge:
    return Merge(home, profile, 1_700_000_000.0, [], ("identity.links", 0, place))


class Shelf:
    """An archive in a folder, written to without Kafka."""

    def __init__(self, url: str, memory: int = 1000, plan: Plan = PLAN) -> None:
        self.url = url
        self.facts = FactsOf(plan)
        self.unnaming = partial(unnaming, plan)
        self.clock = itertools.count(1_700_000_000.0)
        self.log = ManifestLog(Folder(url), f"{id(self) % 2**32:08x}", lambda: next(self.clock), owner=True)
        self.log.start("profile.events", 2, read={0: (0, 0), 1: (0, 0)} if not self.log.state.read else {})
        self.memory = Memory(memory)
        prime(self.memory, self.log.state.of("events"), lambda file: list(keys_of(self.log.folder, file)))
        self.gatherer = Gatherer(self.log.state, self.memory, lambda home: f"digest of {home}", self.unnaming)

    def take(self, partition: int, *records: Record) -> None:
        begin = self.log.state.read[partition]
        if partition in self.gatherer.gathered.read:
            begin = self.gatherer.gathered.read[partition][1]
        placed = [(begin + n, record, 100) for n, record in enumerate(records)]
        self.gatherer.take(partition, placed, begin + len(placed))

    def flush(self) -> None:
        write_flush(self.log, self.gatherer.gathered, next(self.clock), self.facts, self.unnaming)
        self.gatherer.flushed()

    def ids(self) -> list[str]:
        return sorted(event.id for event in events_of(self.url, None))


@pytest.fixture(params=["local", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A local folder, and a filesystem of fsspec that is none."""
    return str(tmp_path / "archive") if request.param == "local" else f"memory://{tmp_path.name}"


@given(st.lists(whole_events, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_an_event_comes_back_as_it_was(archived: list[Event]) -> None:
    """Every field, to the last bit, whatever is in it."""
    table = to_table([Placed(event, 3, n) for n, event in enumerate(archived)])

    assert table.schema == EVENTS
    found = dict(zip(table["log_offset"].to_pylist(), events_in(table), strict=True))
    assert [found[n] for n in range(len(archived))] == archived


def test_files_say_their_version_and_are_ordered_by_home_and_time(url: str) -> None:
    shelf = Shelf(url)
    shelf.take(0, event("b", "1", time=5.0), event("a", "2", time=9.0), event("a", "3", time=7.0))
    shelf.flush()
    (file,) = files(url)

    assert (file.day, file.rows) == ("1970-01-01", 3)
    with Folder(url).fs.open(Folder(url).path(file.path), "rb") as source:
        found = pq.ParquetFile(source)
        assert found.schema_arrow.metadata[b"rapport.version"] == b"2"
        assert found.metadata.row_group(0).column(0).compression == "ZSTD"
        assert found.read()["id"].to_pylist() == ["3", "2", "1"]


def test_days_are_those_of_the_event_in_utc() -> None:
    assert [day_of(time) for time in (0.0, -0.5, 86399.999, -62135596800.0)] == [
        "1970-01-01", "1969-12-31", "1970-01-01", "0001-01-01",
    ]  # fmt: skip


def test_an_origin_that_is_not_higher_is_a_repeat_however_long_ago(url: str) -> None:
    """Ingest after a crash, or one that was paused, beyond what the memory of ids holds; also after a restart."""
    shelf = Shelf(url, memory=2)
    batch = [event(f"h{n}", f"id{n}", origin=("events.web", 1, n)) for n in range(20)]
    shelf.take(0, *batch)
    shelf.flush()
    shelf.take(0, *batch[3:], event("h20", "id20", origin=("events.web", 1, 20)))
    shelf.flush()
    restarted = Shelf(url, memory=2)
    restarted.take(0, *batch)
    restarted.flush()

    stored = sum(file.rows for file in files(url))
    assert stored == 21
    assert restarted.gatherer.gathered.outcomes == {}
    assert len(shelf.ids()) == 21


def test_another_partition_of_the_log_may_bring_lower_origins(url: str) -> None:
    """The order holds within one partition of the log only."""
    shelf = Shelf(url)
    shelf.take(0, event("a", "1", origin=("events.web", 0, 9)))
    shelf.take(1, event("b", "2", origin=("events.web", 0, 4)), event("c", "3", origin=("events.web", 1, 2)))
    shelf.flush()

    assert shelf.ids() == ["1", "2", "3"]


def test_a_senders_repeat_is_dropped_by_its_id_also_after_a_restart(url: str) -> None:
    shelf = Shelf(url)
    shelf.take(0, event("a", "1", origin=("events.web", 0, 1)), event("a", "1", origin=("events.web", 0, 2)))
    shelf.flush()
    again = Shelf(url)
    again.take(0, event("a", "1", origin=("events.web", 0, 3)), event("b", "1", origin=("events.web", 0, 4)))
    again.flush()

    assert [(e.profile, e.id) for e in events_of(url, None)] == [("a", "1"), ("b", "1")]
    assert sum(file.rows for file in files(url)) == 2


def test_a_repeat_that_nothing_remembered_is_read_once_and_gone_after_compaction(url: str) -> None:
    shelf = Shelf(url, memory=1)
    for n in range(3):
        shelf.take(0, event("a", "1", amount=n), event("b", str(n)), event("c", str(n)))
        shelf.flush()
    assert sum(file.rows for file in files(url)) == 9

    before = list(events_of(url, None))
    assert [(e.profile, e.id) for e in before if e.profile == "a"] == [("a", "1")]
    assert before[0].amount == 0  # the first counts
    sums = compact(ManifestLog(Folder(url), "cccccccc", lambda: 1.0), "2999-01-01", FACTS_OF)
    assert (sums.files_before, sums.files_after, sums.repeats) == (3, 1, 2)
    assert list(events_of(url, None)) == before


def test_only_what_came_first_to_a_home_is_taken(url: str) -> None:
    """What was sent on, and commands, are not history."""
    shelf = Shelf(url)
    shelf.take(
        0, event("a", "1"), event("w", "1", home="a"), Absorb("w", "a", 1.0, b""),
        Split("a", "move", "s", "w", 1.0, {"a": "a"}),
    )  # fmt: skip
    shelf.flush()

    assert shelf.ids() == ["1"]
    assert progress(url) == {0: 4, 1: 0}
    assert load(Folder(url)).of("links") == []


def test_until_and_homes_choose_rows(url: str) -> None:
    shelf = Shelf(url)
    shelf.take(0, *(event("a" if n % 2 else "b", str(n)) for n in range(10)))
    shelf.take(1, event("a", "other"))
    shelf.flush()

    assert [e.id for e in events_of(url, ["a"], until={0: 6})] == ["1", "3", "5"]
    assert [e.id for e in events_of(url, ["a"])] == ["1", "3", "5", "7", "9", "other"]
    assert [e.id for e in events_of(url, [])] == []
    assert list(events_of(url, ["nobody"])) == []


def test_erasing_removes_the_rows_of_a_home_and_keeps_it_away(url: str) -> None:
    """From the files of earlier flushes, from the present one, and what still comes."""
    shelf = Shelf(url)
    shelf.take(0, event("a", "1"), event("b", "2"), merge("a", "b", 1 << 16))
    shelf.flush()
    shelf.take(0, event("a", "3"), Erase("a", 2.0, ("identity.links", 0, 2 << 16)), event("a", "4"), event("b", "5"))
    shelf.flush()
    again = Shelf(url)
    again.take(0, event("a", "6"))
    again.flush()

    assert shelf.ids() == ["2", "5"]
    names = Folder(url).names("events") + Folder(url).names("links")
    assert sorted(names) == sorted(file.path for file in files(url))
    for name in names:
        with Folder(url).fs.open(Folder(url).path(name), "rb") as source:
            assert "a" not in pq.ParquetFile(source).read()["home"].to_pylist()
    assert load(Folder(url)).erased.keys() == {"digest of a"}


@given(st.lists(st.sampled_from(["event", "erase", "lift", "flush", "again"]), min_size=3, max_size=12))
@settings(max_examples=40, deadline=None)
def test_of_who_comes_back_there_is_what_came_after_it_alone(story: list[str]) -> None:
    """Wherever the flushes fall, and whether or not the archiver begins anew between them."""
    folder = f"memory://{next(_NUMBERS)}"
    shelf, held, away, since = Shelf(folder), ["other"], False, 0.0
    shelf.take(0, event("b", "other"))
    for number, what in enumerate(story):
        if what == "event":
            shelf.take(0, event("a", str(number)))
            held += [] if away else [str(number)]
        elif what == "erase":
            shelf.take(0, Erase("a", float(number)))
            held, away = ["other"], True
        elif what == "lift" and away:
            shelf.take(0, Lift("a", float(number)))
            away, since = False, float(number)
        elif what == "flush":
            shelf.flush()
        elif what == "again":
            shelf.flush()
            shelf = Shelf(folder)
    shelf.flush()

    assert shelf.ids() == sorted(held)
    state = load(Folder(folder))
    assert (state.away.keys(), state.back) == (
        {"digest of a"} if away else set(),
        {"digest of a": since} if "erase" in story and not away else {},
    )


def test_compaction_while_an_archiver_writes_and_erases(url: str) -> None:
    """Neither stops the other; whoever comes second looks again."""
    shelf = Shelf(url)
    for n in range(3):
        shelf.take(0, event("a", f"a{n}"), event("b", f"b{n}"))
        shelf.flush()
    late = ManifestLog(Folder(url), "cccccccc", lambda: 1.0)  # has seen three files
    shelf.take(0, Erase("a", 2.0), event("b", "b3"))
    shelf.flush()
    compact(late, "2999-01-01", FACTS_OF)
    assert shelf.ids() == ["b0", "b1", "b2", "b3"]
    assert len(files(url)) == 1

    shelf.take(0, event("c", "c0"), Erase("b", 3.0))
    shelf.flush()  # the archiver does not know of the compaction yet
    assert shelf.ids() == ["c0"]


def test_files_are_replaced_only_if_they_are_still_what_they_were(url: str) -> None:
    """A compaction that has read them before somebody was erased must not bring the rows back."""
    shelf = Shelf(url)
    shelf.take(0, event("a", "1"), event("b", "2"))
    shelf.flush()
    late = ManifestLog(Folder(url), "cccccccc", lambda: 1.0)
    old = list(files(url))
    shelf.take(0, Erase("a", 2.0))
    shelf.flush()
    with pytest.raises(Changed):
        late.replace([], old)
    assert shelf.ids() == ["2"]


def test_a_compaction_gives_way_to_an_archiver_that_starts(url: str) -> None:
    """Whose sweep takes files that no manifest names for left over."""
    shelf = Shelf(url)
    shelf.take(0, event("a", "1"))
    shelf.flush()
    late = ManifestLog(Folder(url), "cccccccc", lambda: 1.0)
    Shelf(url)
    with pytest.raises(Changed):
        late.replace([], files(url))
    assert shelf.ids() == ["1"]


def test_of_two_archivers_the_first_stops_and_nothing_is_doubled(url: str) -> None:
    first = Shelf(url)
    first.take(0, event("a", "1"))
    first.flush()
    first.take(0, event("a", "2"))
    second = Shelf(url)
    with pytest.raises(Overtaken, match="another archiver"):
        first.flush()
    second.take(0, event("a", "2"), event("a", "3"))
    second.flush()

    assert second.ids() == ["1", "2", "3"]
    assert len(Folder(url).names("events")) == 2  # the first has cleared up after itself


def test_an_archiver_with_nothing_to_write_notices_that_it_was_overtaken(url: str) -> None:
    first = Shelf(url)
    Shelf(url)
    with pytest.raises(Overtaken, match="another archiver"):
        first.log.catch_up()


def test_a_writer_that_is_far_behind_catches_up_from_a_checkpoint(url: str) -> None:
    """The manifests in between were deleted; so it must not think that it knows all."""
    shelf = Shelf(url)
    late = ManifestLog(Folder(url), "cccccccc", lambda: 1.0)
    for n in range(2 * CHECKPOINT + 3):
        shelf.take(0, event("a", str(n)))
        shelf.flush()
    assert late.catch_up()
    assert late.state == shelf.log.state
    compact(late, "2999-01-01", FACTS_OF)
    assert len(shelf.ids()) == 2 * CHECKPOINT + 3


def test_files_that_a_crash_left_do_not_count_and_go_at_the_next_start(url: str) -> None:
    shelf = Shelf(url)
    shelf.take(0, event("a", "1"))
    shelf.flush()
    shelf.log.folder.write_table(shelf.log.name("events", "2020-01-01"), to_table([Placed(event("a", "2"), 0, 1)]))

    assert shelf.ids() == ["1"]
    assert len(Folder(url).names("events")) == 2
    Shelf(url)
    assert len(Folder(url).names("events")) == 1


def test_the_sum_of_manifests_survives_checkpoints(url: str) -> None:
    """Old manifests go, and the archive reads the same."""
    shelf = Shelf(url)
    for n in range(2 * CHECKPOINT + 10):
        shelf.take(0, event("a", str(n), origin=("events.web", 0, n)))
        shelf.flush()

    assert load(Folder(url)) == shelf.log.state
    assert len(shelf.ids()) == 2 * CHECKPOINT + 10
    assert len(Folder(url).names("_flushes")) < 2 * CHECKPOINT
    assert Shelf(url).log.state.origins == {0: {"events.web/0": 2 * CHECKPOINT + 9}}


def test_an_archive_belongs_to_one_log(url: str) -> None:
    Shelf(url)
    with pytest.raises(Misconfigured, match="another folder"):
        ManifestLog(Folder(url), "cccccccc", lambda: 1.0).start("profile.events", 3)


def test_files_of_before_a_column_are_read_beside_new_ones(url: str) -> None:
    """What was not known then is empty; compaction gives such rows the column."""
    shelf = Shelf(url)
    shelf.take(0, event("a", "1", category="Food"))
    shelf.flush()
    (old,) = files(url)
    with Folder(url).fs.open(Folder(url).path(old.path), "rb") as source:
        before = pq.ParquetFile(source).read().drop_columns(["category", "claim"])
    shelf.log.folder.write_table(old.path, before)
    shelf.take(0, event("b", "2", category="Books"))
    shelf.flush()

    assert [(e.id, e.category) for e in events_of(url, None)] == [("1", ""), ("2", "Books")]
    with duckdb.connect() as con:
        events(con, url)
        assert con.sql("SELECT id, category FROM events ORDER BY id").fetchall() == [("1", None), ("2", "Books")]
    compact(ManifestLog(Folder(url), "cccccccc", lambda: 1.0), "2999-01-01", FACTS_OF)
    assert [(e.id, e.category) for e in events_of(url, None)] == [("1", ""), ("2", "Books")]


def test_a_missing_file_is_said(url: str) -> None:
    """Not read past, and no endless attempt."""
    shelf = Shelf(url)
    shelf.take(0, event("a", "1"))
    shelf.flush()
    shelf.log.folder.remove(files(url)[0].path)
    shelf.take(0, Erase("a", 1.0))
    with pytest.raises(RapportError, match="missing"):
        shelf.flush()
    with pytest.raises(RapportError, match="missing"):
        list(events_of(url, None))


def test_views_know_customers_and_consent(url: str) -> None:
    """Links in a chain, a split, and the newest word on consent of the whole customer."""
    shelf = Shelf(url)
    shelf.take(
        0,
        event("a", "1", time=1.0, traits={"consent.analytics": True}),
        event("b", "2", time=2.0),
        event("c", "3", time=3.0, context={"consent": {"categoryPreferences": {"Analytics": False}}}),
        event("d", "4", time=4.0, traits={"consent.analytics": False}),
        event("e", "5", time=5.0),
        event("d", "6", time=6.0, traits={"consent.analytics": True}),
        merge("c", "b", 1), merge("b", "a", 2), merge("e", "d", 3),
        Split("d", "reset", "s1", "d", 9.0, {"d": "d", "e": "e"}, origin=("identity.links", 0, 4)),
    )  # fmt: skip
    shelf.flush()
    with duckdb.connect() as con:
        events(con, url)
        owners = dict(con.sql("SELECT home, customer FROM customers").fetchall())
        assert owners == {"c": "a", "b": "a", "e": "e", "d": "d"}
        assert con.sql("SELECT id FROM consenting_events ORDER BY id").fetchall() == [("4",), ("5",), ("6",)]
        assert con.sql("SELECT count(*) FROM events").fetchall() == [(6,)]


def test_views_of_an_empty_archive(url: str) -> None:
    Shelf(url)
    with duckdb.connect() as con:
        events(con, url)
        assert con.sql("SELECT count(*), max(time) FROM consenting_events").fetchall() == [(0, None)]


@pytest.mark.parametrize(
    ("traits", "context", "said"),
    [
        ({}, {}, None),
        ({"consent.analytics": False}, {"consent": {"analytics": True}}, False),
        ({}, {"consent": {"analytics": True}}, True),
        ({}, {"consent": {"categoryPreferences": {"Analytics": False, "Ads": True}}}, False),
        ({"consent.analytics": "yes"}, {"consent": ["analytics"]}, None),
        ({}, {"consent": {"categoryPreferences": "all"}}, None),
    ],
)
def test_consent_of_an_event(traits: dict[str, Any], context: dict[str, Any], said: bool | None) -> None:
    assert consent(event("a", "1", traits=traits, context=context), "analytics") is said


@pytest.mark.parametrize(
    ("granted", "named", "said"),
    [(False, False, False), (True, False, None), (False, True, None), (True, True, None)],
)
def test_of_claimed_consent_a_visitors_no_is_heeded(granted: bool, named: bool, said: bool | None) -> None:
    """What anybody may say of somebody they name is not, and nobody else's yes."""
    claim = Claim(traits={"consent.analytics": granted}, named=named)

    assert consent(event("a", "1", claim=claim), "analytics") is said


def test_memory_is_bounded_and_keeps_the_latest() -> None:
    memory = Memory(10)
    for n in range(1000):
        assert memory.new("a", "web", str(n))
    assert len(memory) <= 20
    assert not any(memory.new("a", "web", str(n)) for n in range(991, 1000))


GROUPED = Plan(PLAN.file.model_copy(update={"groups": {"company": GroupSpec(id=("groupId", "properties.company"))}}))
ACME = GROUPED.company("acme")


def told_of(company: str, id_: str, time: float = 5.0, kind: str = "track") -> Event:
    made = event("home", id_, time=time, properties={"company": company, "tier": "gold"})
    made.type = kind
    made.group = Grouping(company, traits={"tier": "gold"} if kind == "group" else {})
    made.context = {"groupId": company, "locale": "en"}
    return made


def test_an_erased_company_leaves_every_row_of_its_people_and_these_stay(url: str) -> None:
    """In files and in what was gathered, and what comes later; words of others that they are this one become words that
    they are none. Lifted, it is written again with what came since."""
    shelf = Shelf(url, plan=GROUPED)
    other = told_of("bolt", "other")
    joins = [Join(GROUPED.company(one), one, GROUPED.company(two), two, 1.0, "kim", "one house")
             for one, two in (("bolt", "acme"), ("acme", "corp"), ("bolt", "corp"))]  # fmt: skip
    shelf.take(0, told_of("acme", "1"), told_of("acme", "2", kind="group"), other, *joins[:1])
    shelf.flush()
    shelf.take(0, told_of("acme", "3"), *joins[1:], Erase(ACME, 6.0), told_of("acme", "4"), *joins[:1])
    shelf.flush()
    shelf.take(1, told_of("acme", "5", time=7.0))
    shelf.take(0, Lift(ACME, 8.0), told_of("acme", "6", time=7.5))
    shelf.take(1, told_of("acme", "7", time=9.0))
    shelf.flush()

    found = {each.id: each for each in events_of(url, None)}
    assert sorted(found) == ["1", "2", "3", "4", "5", "6", "7", "other"]
    assert found["other"] == other
    assert found["7"] == told_of("acme", "7", time=9.0)
    for id_ in "13456":
        each = found[id_]
        assert (each.group, each.properties, each.context) == (Grouping(""), {"tier": "gold"}, {"locale": "en"})
    assert (found["2"].group, found["2"].properties) == (Grouping(""), {})
    words = [(one.home, one.profile, (one.note or "").count("acme")) for one in archived_decisions(url)]
    bolt, corp = GROUPED.company("bolt"), GROUPED.company("corp")
    assert sorted(words) == [(bolt, "", 0), (bolt, "", 0), (bolt, corp, 0)]
