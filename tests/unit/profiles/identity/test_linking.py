"""The linker's decision: which profiles become one, and which identity is left out."""

from __future__ import annotations

from collections.abc import Callable

from profiles.identity.linking import TWO_PEOPLE, Decision, decide
from profiles.types import Identity

LIMITS = {"user_id": 1, "email": 2, "anonymous_id": 3}
U1, U2 = ("user_id", "1"), ("user_id", "2")
LAPTOP: Identity = ("anonymous_id", "laptop")
MAIL: Identity = ("email", "jane@example.com")


class Graph:
    """Which profile an identity belongs to, as the linker's store would say."""

    def __init__(self, **profiles: list[Identity]) -> None:
        self.held = profiles
        self.of = {identity: name for name, held in profiles.items() for identity in held}

    def profile_of(self, identity: Identity) -> str:
        return self.of.get(identity, f"{identity[0]}:{identity[1]}")

    def decide(self, *identities: Identity) -> Decision:
        return decide(identities, self.profile_of, lambda profile: self.held.get(profile, []), LIMITS)


def test_an_anonymous_visitor_who_logs_in_becomes_the_user() -> None:
    """Two unlinked identities: the weaker one's profile merges into the stronger one's."""
    decision = Graph().decide(U1, LAPTOP)

    assert decision == Decision("user_id:1", [LAPTOP, U1], {"anonymous_id:laptop": [LAPTOP]})


def test_two_people_on_one_laptop_stay_two_people() -> None:
    """The second user's anonymous id is left out, because one profile may have only one user id."""
    decision = Graph(one=[U1, LAPTOP]).decide(U2, LAPTOP)

    assert decision == Decision("user_id:2", [U2], {}, [LAPTOP], "limit of user_id")


def test_what_would_bring_it_about_is_left_out_and_nothing_else() -> None:
    """An e-mail of another user, not the browser beside it, though that is weaker."""
    decision = Graph(one=[U1, MAIL]).decide(U2, MAIL, LAPTOP)

    assert decision == Decision(
        "user_id:2", [LAPTOP, U2], {"anonymous_id:laptop": [LAPTOP]}, [MAIL], "limit of user_id"
    )


def test_what_a_weaker_one_brings_along_is_not_left_out() -> None:
    """A public source ties a browser to nobody alone, but its own person by name, and the browser is theirs."""
    graph = Graph(one=[U1], other=[MAIL, LAPTOP])
    of = (graph.profile_of, lambda id_: graph.held.get(id_, []), LIMITS)

    decision = decide(
        (U1, LAPTOP, MAIL), *of, persons={"user_id", "email"},
        names=lambda profile, identities: any(kind in ("user_id", "email") for kind, _ in identities),
    )  # fmt: skip

    assert (list(decision.losers), decision.refused, decision.reason) == (["other"], [], "")


def test_a_whole_linked_profile_comes_along() -> None:
    """All that the loser holds moves to the winner."""
    decision = Graph(visitor=[LAPTOP, MAIL]).decide(U1, MAIL)

    assert decision.losers == {"visitor": sorted([LAPTOP, MAIL])}
    assert decision.together == sorted([LAPTOP, MAIL, U1])


def test_what_is_linked_already_is_nothing_to_do() -> None:
    """A repeat of a decided link changes nothing."""
    assert Graph(one=[U1, LAPTOP]).decide(U1, LAPTOP).losers == {}


def test_a_public_source_cannot_make_two_people_one_by_way_of_a_browser() -> None:
    """It ties its browser to one, then names another with it. By another source the same is a login."""
    graph = Graph(one=[U1, LAPTOP], other=[MAIL, ("phone", "6")])
    of = (graph.profile_of, lambda id_: graph.held.get(id_, []), LIMITS | {"phone": 1})
    persons = {"user_id", "email", "phone"}

    decision = decide((MAIL, LAPTOP), *of, persons=persons)
    assert (decision.losers, decision.refused, decision.reason) == ({}, [LAPTOP], TWO_PEOPLE)
    assert list(decide((MAIL, LAPTOP), *of).losers) == ["one"]
    assert decide((MAIL, ("anonymous_id", "new")), *of, persons=persons).reason == ""
    bridge = decide((LAPTOP, ("anonymous_id", "new")), *of, persons=persons)
    assert list(bridge.losers) == ["anonymous_id:new"]


def test_a_type_over_its_limit_is_refused() -> None:
    """The fourth device of a customer with three is left out."""
    devices = [("anonymous_id", str(n)) for n in range(3)]
    decision = Graph(one=[U1, *devices]).decide(U1, LAPTOP)

    assert decision.refused == [LAPTOP]


def test_merges_stop_at_the_most_identities() -> None:
    """What is linked stays linked, and the event's strongest identity keeps its profile."""
    graph = Graph(one=[U1, *(("anonymous_id", str(n)) for n in range(2))], two=[LAPTOP, MAIL])
    of = (graph.profile_of, lambda profile: graph.held.get(profile, []), {"anonymous_id": 9})

    full = decide((U1, LAPTOP), *of, most=4)

    assert (full.winner, full.losers, full.refused, full.reason) == ("one", {}, [LAPTOP], "too many identities")
    assert list(decide((U1, LAPTOP), *of, most=5).losers) == ["two"]
    assert decide((U1, ("anonymous_id", "0")), *of, most=2).refused == []  # more than are allowed by now, but no merge


def apart(*pair: Identity) -> Callable[[Identity], list[Identity]]:
    """Two identities that a split has taken apart."""
    return lambda identity: [other for other in pair if other != identity] if identity in pair else []


def test_the_weaker_of_a_pair_kept_apart_is_left_out_first() -> None:
    """Though it is not the event's weakest: the rest of the event is as good as ever."""
    graph = Graph()

    decision = decide((U1, MAIL, LAPTOP), graph.profile_of, lambda _: [], LIMITS, partners=apart(U1, MAIL))

    assert decision.losers == {"anonymous_id:laptop": [LAPTOP]}
    assert (decision.refused, decision.reason) == ([MAIL], "kept apart")


def test_profiles_that_hold_a_pair_kept_apart_do_not_become_one() -> None:
    """Also when the event carries neither of the two."""
    graph = Graph(one=[U1, ("anonymous_id", "0")], two=[MAIL, LAPTOP])

    decision = decide(
        (("anonymous_id", "0"), LAPTOP), graph.profile_of, lambda id_: graph.held[id_], LIMITS, partners=apart(U1, MAIL)
    )

    assert (decision.winner, decision.losers) == ("one", {})
    assert (decision.refused, decision.reason) == ([LAPTOP], "kept apart")


def test_a_pair_kept_apart_is_seen_wherever_its_two_are() -> None:
    """Between any two of several profiles."""
    held: dict[str, list[Identity]] = {
        "one": [U1, ("anonymous_id", "1")], "two": [MAIL, ("email", "2")], "three": [LAPTOP, ("anonymous_id", "3")],
    }  # fmt: skip
    graph = Graph(**held)
    event = (U1, MAIL, LAPTOP)
    for pair in ((("email", "2"), ("anonymous_id", "3")), (("anonymous_id", "1"), ("anonymous_id", "3"))):
        decision = decide(event, graph.profile_of, lambda id_: held[id_], LIMITS, partners=apart(*pair))

        assert (list(decision.losers), decision.refused, decision.reason) == (["two"], [LAPTOP], "kept apart"), pair
