"""Where reading goes on beside another Kafka."""

from __future__ import annotations

from profiles.stores.positions import Read
from streams.kafka.admin import Log
from streams.kafka.continuity import Difference, Start, Topics, compare, moved

TOPICS = Topics("profile.events", "identity.links", "training.examples", ("web",))
IDS = {"cluster": "c", "topic:profile.events": "p", "topic:web": "w", "topic:identity.links": "i"}
ENDS = {"profile.events/0": 10, "profile.events/1": 20, "web/0": 5, "web/1": 7, "identity.links/0": 3}
OWN = TOPICS.mark("profile.events/0", 8) - 3  # the fourth last thing that may be sent on because of offset 8
READ = Read({0: 9, 1: 4}, 2, -1, {0: {"web/0": 4}, 1: {"web/0": 3, "web/1": 6, "profile.events/0": OWN}})


def test_the_same_kafka_is_no_difference() -> None:
    """All that was applied is in the log; what has no id yet, or no end, tells nothing."""
    assert not compare(IDS, Log(IDS, ENDS), {"profile.events/0": 9, "web/1": 6, "elsewhere/0": 99})
    assert not compare({}, Log(IDS, {}), {"profile.events/0": 9})


def test_another_id_is_a_kafka_that_was_replaced() -> None:
    """Its ends are not looked at: they are another log's."""
    found = compare(IDS, Log({**IDS, "topic:web": "new"}, ENDS), {"web/0": 100})
    assert found == Difference(("topic:web",))
    assert "another topic web" in str(found)


def test_a_log_that_ends_before_what_was_applied_is_shorter() -> None:
    """The last one applied is one too many already."""
    found = compare(IDS, Log(IDS, ENDS), {"profile.events/0": 10, "web/0": 4})
    assert found == Difference((), ("profile.events/0 ends at offset 10, 10 was applied",))


def test_a_new_kafka_is_read_from_its_beginning() -> None:
    """Nothing of it is known, whatever the offsets of the old one were."""
    start = moved(READ, Log(IDS, ENDS), Difference(("cluster",)), Start.BEGINNING, TOPICS)
    assert start == Read({0: -1, 1: -1}, -1, -1, {0: {}, 1: {}})


def test_a_kafka_that_holds_what_is_known_is_read_from_its_end() -> None:
    """Each partition of the profiles takes every source's records so far for known."""
    start = moved(READ, Log(IDS, ENDS), Difference(("cluster",)), Start.END, TOPICS)
    sources = {"web/0": 4, "web/1": 6}
    assert start == Read(
        {0: 9, 1: 19}, 2, -1, {0: sources, 1: {**sources, "profile.events/0": TOPICS.mark("profile.events/0", 9)}}
    )


def test_only_what_was_replaced_is_read_anew() -> None:
    """A source whose topic was made anew; the rest goes on where it was."""
    start = moved(READ, Log(IDS, ENDS), Difference(("topic:web",)), Start.BEGINNING, TOPICS)
    assert start == Read({0: 9, 1: 4}, 2, -1, {0: {}, 1: {"profile.events/0": OWN}})


def test_a_shorter_log_is_read_on_from_its_end() -> None:
    """What it has lost was applied; what it has not, goes on where it was."""
    ends = {**ENDS, "profile.events/0": 6, "web/0": 2}
    start = moved(READ, Log(IDS, ends), Difference((), ("…",)), Start.END, TOPICS)
    own = TOPICS.mark("profile.events/0", 5)
    assert start == Read({0: 5, 1: 4}, 2, -1, {0: {"web/0": 1}, 1: {"web/0": 1, "web/1": 6, "profile.events/0": own}})
