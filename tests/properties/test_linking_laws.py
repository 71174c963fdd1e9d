"""Laws of linking, over any sequence of events."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.identity.linking import decide
from profiles.types import Identity
from tests.unit.profiles.identity.one_reader import Graph, Request

pytestmark = pytest.mark.slow

LIMITS = {"user_id": 1, "email": 2, "anonymous_id": 4}
STRENGTH = list(LIMITS)
MOST = 5
EVERY: list[Identity] = [
    *(("user_id", str(n)) for n in range(4)),
    *(("email", str(n)) for n in range(6)),
    *(("anonymous_id", str(n)) for n in range(8)),
]

Pairs = set[frozenset[Identity]]

events = st.lists(st.sampled_from(EVERY), min_size=1, max_size=4, unique=True).map(
    lambda found: sorted(found, key=lambda identity: STRENGTH.index(identity[0]))
)
histories = st.lists(events, max_size=40)
pairs = st.sets(st.sets(st.sampled_from(EVERY), min_size=2, max_size=2).map(frozenset), max_size=3)


def graph_of(apart: Pairs = frozenset()) -> Graph:  # type: ignore[assignment]
    def partners(identity: Identity) -> list[Identity]:
        return [other for pair in apart if identity in pair for other in pair if other != identity]

    return Graph(LIMITS, MOST, partners)


def after(history: list[Request], apart: Pairs) -> Graph:
    graph = graph_of(apart)
    for request in history:
        graph.take(request)
    return graph


@settings(max_examples=200, deadline=None)
@given(histories, pairs)
def test_no_profile_is_ever_over_a_limit(history: list[Request], apart: Pairs) -> None:
    """Neither of a type nor altogether, after any event."""
    graph = graph_of(apart)
    for request in history:
        graph.take(request)
        for held in graph.profiles(EVERY):
            assert len(held) <= MOST
            assert all(count <= LIMITS[kind] for kind, count in Counter(kind for kind, _ in held).items())


@settings(max_examples=200, deadline=None)
@given(histories, pairs)
def test_what_is_kept_apart_is_never_together(history: list[Request], apart: Pairs) -> None:
    """Not by an event that carries both, and not through others."""
    graph = graph_of(apart)
    for request in history:
        graph.take(request)
        assert not any(pair <= held for pair in apart for held in graph.profiles(EVERY))


@settings(max_examples=200, deadline=None)
@given(histories, pairs)
def test_the_graph_agrees_with_itself(history: list[Request], apart: Pairs) -> None:
    """An identity is held by exactly the profile that it maps to, and only linked ones are held."""
    graph = after(history, apart)

    held = [(identity, profile) for profile, identities in graph.held.items() for identity in identities]

    assert len(held) == len(dict(held))
    assert dict(graph.of).items() <= dict(held).items()
    assert all(graph.profile_of(identity) == profile for identity, profile in held)


@settings(max_examples=200, deadline=None)
@given(histories, pairs, st.data())
def test_batches_do_not_show(history: list[Request], apart: Pairs, data: st.DataObject) -> None:
    """However the requests are cut into batches, each of which reads beforehand what it needs: the same graph."""
    whole, cut = after(history, apart), graph_of(apart)
    rest = list(history)
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        cut.take_batch(rest[:size])
        del rest[:size]

    assert (cut.of, cut.held) == (whole.of, whole.held)


@settings(max_examples=200, deadline=None)
@given(histories, pairs)
def test_repeats_change_nothing(history: list[Request], apart: Pairs) -> None:
    """A request that was decided once may come again at any time, also a refused one."""
    graph = after(history, apart)
    before = (dict(graph.of), dict(graph.held))
    for request in history:
        assert graph.take(request).losers == {}

    assert (graph.of, graph.held) == before


@settings(max_examples=200, deadline=None)
@given(histories, events, pairs, st.randoms(use_true_random=False))
def test_a_decision_does_not_depend_on_the_order_of_what_is_held(
    history: list[Request], request: Request, apart: Pairs, random: object
) -> None:
    """A store may list a profile's identities in any order; the decision, its reason included, is the same."""
    graph = after(history, apart)

    def shuffled(profile: str) -> list[Identity]:
        held = list(graph.held_by(profile))
        random.shuffle(held)  # type: ignore[attr-defined]
        return held

    again = [decide(request, graph.profile_of, shuffled, LIMITS, most=MOST, partners=graph._partners) for _ in range(3)]

    assert all(decision == again[0] for decision in again)
    assert again[0].winner == graph.profile_of(request[0])


@settings(max_examples=200, deadline=None)
@given(histories, events, pairs)
def test_only_the_weaker_is_left_out(history: list[Request], request: Request, apart: Pairs) -> None:
    """The strongest identity is never refused; what is kept is together, and all is accounted for."""
    decision = after(history, apart).take(request)

    kept = [identity for identity in request if identity not in decision.refused]
    assert kept[0] == request[0]
    assert set(kept) <= set(decision.together)
    assert sorted([*kept, *decision.refused]) == sorted(request)
    assert bool(decision.refused) == bool(decision.reason)
