"""What a graph makes of requests, one after the other, by where they come from."""

from __future__ import annotations

from typing import Any

import pytest

from plan import Plan, load_plan, parse_plan
from profiles.identity.linking import TWO_PEOPLE, Decision
from profiles.identity.links import Claim, Lifted, PendingSplit
from profiles.identity.secrets import suppression
from profiles.types import Identity
from profiles.units import LinkState
from streams.identity.graph import Graph
from streams.records.links import JoinRequest, LiftRequest, LinkRequest, SplitDone, SplitRequest
from tests import REPOSITORY

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})
ADA, BOB, BROWSER, PHONE = ("user_id", "ada"), ("email", "bob"), ("anonymous_id", "b"), ("device_id", "d")


def graph_of(plan: Plan = PLAN, **parts: Any) -> Graph:
    """A graph in which nobody is linked, but for these parts."""
    names = ("linked", "held", "links", "apart", "pending", "erased", "refusals", "claims")
    return Graph(plan, "identity.links", 4, 9.0, **{name: dict(parts.get(name, {})) for name in names})


def decisions(*requests: tuple[str, list[Identity]]) -> list[Decision]:
    """What becomes of identities that met in events of these sources; `signed` is of a user of the web."""
    graph = graph_of()
    found = []
    for offset, (source, identities) in enumerate(requests):
        signed = source == "signed"
        request = LinkRequest(identities, 1.0, "web" if signed else source, f"m{offset}", signed)
        found.append(graph.link(offset, request))
    assert None not in found
    return [decision for decision in found if decision is not None]


@pytest.mark.parametrize("source", ["web", "app"])
def test_a_strangers_browser_does_not_make_two_people_one(source: str) -> None:
    """Tied to Ada, and with Bob's address: it stays Ada's, and both stay who they are. Nor does a phone beside it."""
    logs_in, names, carries = decisions((source, [ADA, BROWSER]), (source, [BOB, PHONE]), (source, [BROWSER, PHONE]))
    assert logs_in.losers == {PLAN.home(BROWSER): [BROWSER]}
    assert names.losers == {PLAN.home(PHONE): [PHONE]}
    assert (carries.losers, carries.refused, carries.reason) == ({}, [PHONE], TWO_PEOPLE)

    _, bridges = decisions((source, [ADA, BROWSER]), (source, [BOB, BROWSER]))
    assert (bridges.losers, bridges.refused, bridges.reason) == ({}, [BROWSER], TWO_PEOPLE)


def test_what_a_server_says_of_two_people_makes_them_one() -> None:
    _, said, then = decisions(("web", [ADA, BROWSER]), ("purchase", [ADA, BOB]), ("web", [BOB, BROWSER]))

    assert said.losers == {PLAN.home(BOB): [BOB]}
    assert (then.losers, then.refused) == ({}, [])


def test_a_server_that_is_shown_a_strangers_browser_does_not_make_two_people_one() -> None:
    """A page has tied Bob's address to Ada's browser; then her shop's server sends her account with that browser."""
    _, shown, tied = decisions(("web", [BOB, BROWSER]), ("purchase", [ADA, BROWSER]), ("purchase", [ADA, PHONE]))
    assert (shown.losers, shown.refused, shown.reason) == ({}, [BROWSER], TWO_PEOPLE)
    assert tied.losers == {PLAN.home(PHONE): [PHONE]}

    *_, shown = decisions(("web", [BOB, BROWSER]), ("app", [BROWSER, PHONE]), ("purchase", [ADA, PHONE]))
    assert (shown.losers, shown.refused, shown.reason) == ({}, [PHONE], TWO_PEOPLE)


def test_a_server_makes_one_of_people_that_it_names() -> None:
    """By name, or by a browser that it, or a signed user, has tied to somebody before."""
    *_, named = decisions(("web", [BOB, BROWSER]), ("purchase", [ADA, BOB, BROWSER]))
    assert named.losers == {PLAN.home(BOB): sorted([BOB, BROWSER])}

    *_, knew = decisions(("purchase", [BOB, BROWSER]), ("purchase", [ADA, BROWSER]))
    assert knew.losers == {PLAN.home(BOB): sorted([BOB, BROWSER])}

    *_, knew = decisions(("signed", [ADA, BROWSER]), ("purchase", [BOB, BROWSER]))
    assert list(knew.losers) == [PLAN.home(ADA)]


def test_an_erased_address_is_given_to_whose_server_says_so_afterwards() -> None:
    """And linked at once; that it was given is kept. What a page says, or was said before, changes nothing."""
    subject = suppression(PLAN.pii_key, PLAN.home(BOB))
    for source, time, given in (("purchase", 6.0, True), ("purchase", 4.0, False), ("web", 6.0, False)):
        graph = graph_of(erased={PLAN.home(BOB): 5.0})
        decision = graph.link(7, LinkRequest([ADA, BOB], time, source, "m", stated=True))
        changes = graph.changes(LinkState(0, 6, 0), 7)
        assert [(one.since, one.by) for one in changes.lifted.values()] == ([(6.0, "")] if given else [])
        assert changes.suppressed == ({subject: None} if given else {})
        assert (decision is not None and decision.losers == {PLAN.home(BOB): [BOB]}) is given

    graph = graph_of(erased={PLAN.home(ADA): 5.0, PLAN.home(BOB): 5.0})
    assert graph.link(7, LinkRequest([ADA, BOB], 6.0, "purchase", "m", stated=True)) is None
    assert graph.changes(LinkState(0, 6, 0), 7).lifted == {}


def test_an_erased_address_is_not_given_to_whose_sdk_remembers_it() -> None:
    """Nobody has said that it is theirs: it stays away, and what else the event says is decided without it."""
    graph = graph_of(erased={PLAN.home(BOB): 5.0})
    decision = graph.link(7, LinkRequest([ADA, BOB, PHONE], 6.0, "purchase", "m", stated=True, remembered=[BOB]))
    changes = graph.changes(LinkState(0, 6, 0), 7)

    assert (changes.lifted, changes.suppressed) == ({}, {})
    assert decision is not None
    assert decision.losers == {PLAN.home(PHONE): [PHONE]}


def test_an_erasure_is_lifted_once_and_not_for_others() -> None:
    lifted = Lifted("l", suppression(PLAN.pii_key, PLAN.home(ADA)), 6.0, 6.0, "kim", "asked to")
    graph = graph_of(erased={PLAN.home(ADA): 5.0, PLAN.home(BOB): 5.0})
    graph.lift(7, LiftRequest(ADA, lifted))
    graph.lift(8, LiftRequest(ADA, Lifted("again", lifted.subject, 6.0, 6.0, "", "")))

    changes = graph.changes(LinkState(0, 6, 0), 8)
    assert changes.lifted == {"l": lifted}
    assert changes.suppressed == {lifted.subject: None}


CAT = ("user_id", "cat")


def moved(*requests: LinkRequest) -> list[list[Identity]]:
    """What each of these requests wants to move, one after the other."""
    graph, found = graph_of(), []
    for offset, request in enumerate(requests):
        graph.link(offset, request)
        found.append([identity for move in graph.due() for identity in move.identities])
    return found


def test_an_address_goes_to_whom_a_server_has_it_go() -> None:
    """Not by what an SDK remembers, nor by what a customer did, nor back because somebody else is late."""
    has = LinkRequest([ADA, BOB], 1.0, "purchase", "1", stated=True)
    gets = LinkRequest([CAT, BOB], 2.0, "purchase", "2", stated=True)

    assert moved(has, gets) == [[], [BOB]]
    assert moved(gets, has) == [[], []]
    carried = LinkRequest([CAT, BOB], 2.0, "purchase", "2", stated=True, remembered=[BOB])
    assert moved(has, carried) == [[], []]
    assert moved(has, LinkRequest([CAT, BOB], 2.0, "purchase", "2")) == [[], []]


def test_what_was_linked_without_being_said_is_no_claim() -> None:
    """An order that only carries an address along has tied it; whoever says that it is theirs gets it."""
    gets = LinkRequest([CAT, BOB], 2.0, "purchase", "2", stated=True)
    for has in (
        LinkRequest([ADA, BOB], 5.0, "purchase", "1"),
        LinkRequest([ADA, BOB], 5.0, "purchase", "1", stated=True, remembered=[BOB]),
    ):
        assert moved(has, gets) == [[], [BOB]]
    late = LinkRequest([ADA, BOB], 5.0, "purchase", "1", stated=True)
    assert moved(late, gets) == [[], []]


def test_what_one_says_decides_between_two_others() -> None:
    """Bea took it from Ada and went on until 4, so that Cat's 3 was nothing, until Ada is heard of at 2.5."""
    bea = ("user_id", "bea")
    graph = graph_of()
    for offset, (who, time) in enumerate([(ADA, 1.0), (bea, 2.0), (bea, 4.0), (CAT, 3.0)]):
        graph.link(offset, LinkRequest([who, BOB], time, "purchase", str(offset), stated=True))
        for move in graph.due():
            graph.move(move, "")
            graph.split_done(offset, SplitDone(f"move-{offset}-{move.profile}"), [])
    graph.link(4, LinkRequest([ADA, BOB], 2.5, "purchase", "4", stated=True))
    [move] = graph.due()
    assert (move.profile, move.request.identities, move.request.event) == (PLAN.home(bea), [CAT, BOB], "3")


def test_a_browser_goes_to_who_used_it_first() -> None:
    """Whoever says so; but what a server has tied, no page unties by writing an earlier time."""
    late, early = LinkRequest([CAT, BROWSER], 2.0, "web", "2"), LinkRequest([ADA, BROWSER], 1.0, "web", "1")

    assert moved(late, early) == [[], [BROWSER]]
    assert moved(early, late) == [[], []]
    assert moved(LinkRequest([CAT, BROWSER], 2.0, "purchase", "2"), early) == [[], []]
    assert moved(early, LinkRequest([CAT, BROWSER], 2.0, "purchase", "2")) == [[], [BROWSER]]
    assert moved(LinkRequest([CAT, BROWSER], 2.0, "web", "2"), LinkRequest([BOB, BROWSER], 1.0, "web", "1")) == [
        [], [BROWSER],
    ]  # fmt: skip


def test_a_claim_takes_an_identity_twice_and_no_more() -> None:
    """Where those of two identities wait for each other, they would else go to and fro for ever."""
    late, early = LinkRequest([CAT, BROWSER], 2.0, "web", "2"), LinkRequest([ADA, BROWSER], 1.0, "web", "1")
    claims: dict[Identity, list[Claim]] = {}
    taken = []
    for offset in range(4):
        graph = graph_of(claims=claims)
        graph.link(offset, late)
        graph.link(offset, early)
        for move in graph.due():
            graph.move(move, "")
        changes = graph.changes(LinkState(0, -1, 0), offset)
        claims |= {identity: held for identity, held in changes.claims.items() if held}
        taken.append(len(changes.splitting))
    assert (taken, claims[BROWSER]) == ([1, 1, 0, 0], [Claim(ADA, 1.0, 1.0, 2, False, "web", "1")])


def test_pages_do_not_keep_us_reading_history() -> None:
    """Each move reads that of a profile; beyond a number only what servers say moves."""
    busy = {
        str(n): PendingSplit(str(n), str(n), BROWSER, [], {str(n): str(n)}, 1.0, moving=[BROWSER]) for n in range(200)
    }
    for source, moves in (("web", False), ("purchase", True)):
        graph = graph_of(pending=busy)
        graph.link(1, LinkRequest([CAT, BROWSER], 2.0, "web", "2"))
        graph.link(2, LinkRequest([ADA, BROWSER], 1.0, source, "1"))
        [move] = graph.due()
        graph.move(move, "")
        assert (len(graph.changes(LinkState(0, 0, 0), 2).splitting) == 1) is moves


def test_a_link_that_meets_a_split_is_decided_behind_it() -> None:
    """It is not lost, though no event may say so again; if there are too many, they are refused."""
    pending = PendingSplit("s", PLAN.home(ADA), BROWSER, [], {PLAN.home(ADA): PLAN.home(ADA)}, 1.0)
    graph = graph_of(pending={"s": pending})
    for number in range(241):
        graph.link(number, LinkRequest([ADA, ("device_id", str(number))], 1.0, "purchase", str(number)))
    changes = graph.changes(LinkState(0, -1, 0), 240)

    [split] = changes.splitting.values()
    assert split is not None
    assert [len(split.waiting), changes.refusals] == [240, 1]
    graph = graph_of(pending={"s": split})
    graph.split_done(241, SplitDone("s"), [])
    changes = graph.changes(LinkState(0, 240, 1), 241)
    assert len(changes.graph[PLAN.home(ADA)] or ()) == 21  # as many devices as the plan allows
    assert len([one for one in changes.outputs if one.topic == "identity.links"]) == 180  # what one commit cannot hold


def test_what_waited_and_moves_an_identity_is_asked_again() -> None:
    """Its split must not overtake what the links before it have merged in the same commit."""
    late, early = LinkRequest([CAT, BROWSER], 2.0, "web", "2"), LinkRequest([ADA, BROWSER], 1.0, "web", "1")
    home = PLAN.home(BROWSER)
    graph = graph_of(pending={"s": PendingSplit("s", home, BROWSER, [], {home: home}, 1.0, waiting=[late, early])})
    graph.split_done(9, SplitDone("s"), [])
    changes = graph.changes(LinkState(0, 8, 0), 9)

    assert (changes.mapping, graph.due(), changes.refusals) == ({BROWSER: PLAN.home(CAT)}, [], 0)
    assert len([one for one in changes.outputs if one.topic == "identity.links"]) == 1


def test_a_person_makes_one_of_two_accounts_and_takes_it_back() -> None:
    """Whatever the limit of accounts and an earlier split say. Later links go on; other splits let it be."""
    graph = graph_of(apart={ADA: [CAT], CAT: [ADA]})
    graph.link(1, LinkRequest([CAT, BOB], 1.0, "purchase", "m"))
    assert graph.join(2, JoinRequest("j", [ADA, CAT], 2.0, "kim"))
    assert not graph.join(3, JoinRequest("again", [CAT, ADA], 3.0, "kim"))
    new = graph.link(4, LinkRequest([CAT, BROWSER], 4.0, "purchase", "n"))
    assert new is not None
    assert new.losers == {PLAN.home(BROWSER): [BROWSER]}
    changes = graph.changes(LinkState(0, 0, 0), 4)
    assert changes.splits == {"j": "done", "again": "done"}
    assert changes.mapping == dict.fromkeys([CAT, BOB, BROWSER], PLAN.home(ADA))
    assert changes.apart == {ADA: None, CAT: None}
    links = {identity: held for identity, held in changes.links.items() if held}
    assert {link.by for held in links.values() for link in held} == {"", "kim"}

    held = {PLAN.home(ADA): sorted([ADA, CAT, BOB, BROWSER])}
    linked = dict.fromkeys([CAT, BOB, BROWSER], PLAN.home(ADA))
    graph = graph_of(linked=linked, held=held, links=links)
    graph.split(5, SplitRequest("s", BOB, [CAT], 5.0))
    assert graph.changes(LinkState(1, 4, 0), 5).graph[PLAN.home(ADA)] == sorted([ADA, CAT, BROWSER])
    graph = graph_of(linked=linked, held=held, links=links)
    graph.split(5, SplitRequest("s", CAT, [ADA], 5.0))
    mapping = graph.changes(LinkState(1, 4, 0), 5).mapping
    assert mapping[ADA] is mapping[CAT] is None
    assert mapping[BOB] == PLAN.home(CAT)


def test_who_was_erased_or_is_being_taken_apart_is_joined_with_nobody() -> None:
    pending = PendingSplit("s", PLAN.home(ADA), BROWSER, [], {PLAN.home(ADA): PLAN.home(ADA)}, 1.0)
    for parts in ({"erased": {PLAN.home(ADA): 1.0}}, {"pending": {"s": pending}}):
        graph = graph_of(**parts)
        assert not graph.join(2, JoinRequest("j", [ADA, CAT], 2.0, "kim"))
        changes = graph.changes(LinkState(0, 0, 0), 2)
        assert (changes.mapping, changes.splits["j"] == "done") == ({}, False)


def test_an_alias_of_two_accounts_joins_them_where_the_plan_says_so() -> None:
    """By a server's word, in any order; not by a page's, nor against a split. Else the limit refuses it visibly."""
    text = (REPOSITORY / "tracking_plan.yaml").read_text()
    joining = parse_plan(
        text.replace("fields: [userId]", "fields: [userId, previousId]\n    alias: join"), "plan.yaml", {}
    )
    refusing = parse_plan(text.replace("fields: [userId]", "fields: [userId, previousId]"), "plan.yaml", {})

    def after(plan: Plan, source: str, **parts: Any) -> tuple[bool, int]:
        graph = graph_of(plan, **parts)
        graph.link(1, LinkRequest([ADA, CAT], 1.0, source, "m", alias=True))
        changes = graph.changes(LinkState(0, 0, 0), 1)
        return changes.mapping == {CAT: plan.home(ADA)}, len(changes.refused)

    assert after(joining, "purchase") == (True, 0)
    assert after(joining, "web") == after(refusing, "purchase") == (False, 1)
    assert after(joining, "purchase", apart={ADA: [CAT], CAT: [ADA]}) == (False, 1)
