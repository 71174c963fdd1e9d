"""The linker's decision: which profiles become one, and which identity is left out."""

from __future__ import annotations

from profiles.linking import Decision, decide
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

    assert decision == Decision("user_id:2", [U2], {}, [LAPTOP])


def test_the_weakest_identity_goes_first_and_the_rest_is_tried_again() -> None:
    """An e-mail of another user is left out together with what is weaker, while nothing else is lost."""
    decision = Graph(one=[U1, MAIL]).decide(U2, MAIL, LAPTOP)

    assert decision.winner == "user_id:2"
    assert decision.refused == [LAPTOP, MAIL]
    assert decision.losers == {}


def test_a_whole_linked_profile_comes_along() -> None:
    """All that the loser holds moves to the winner."""
    decision = Graph(visitor=[LAPTOP, MAIL]).decide(U1, MAIL)

    assert decision.losers == {"visitor": sorted([LAPTOP, MAIL])}
    assert decision.together == sorted([LAPTOP, MAIL, U1])


def test_what_is_linked_already_is_nothing_to_do() -> None:
    """A repeat of a decided link changes nothing."""
    assert Graph(one=[U1, LAPTOP]).decide(U1, LAPTOP).losers == {}


def test_a_type_over_its_limit_is_refused() -> None:
    """The fourth device of a customer with three is left out."""
    devices = [("anonymous_id", str(n)) for n in range(3)]
    decision = Graph(one=[U1, *devices]).decide(U1, LAPTOP)

    assert decision.refused == [LAPTOP]
