"""What a customer did, as against what was done to them or told of them: only that makes them seen.

A sync from another system (identify, group, alias), a message to them, an answer of ours or a charge that comes by
itself says nothing of whether a customer is still there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from profiles.types import Event, Number, Profile

__all__ = ["NEVER", "NOT_OF_THEIR_OWN", "NOT_THEIRS", "Signs", "last_done", "merge_doings", "note_doing", "note_sign"]

NEVER = -1
"""Stands in a profile for the time of what a customer did who did nothing yet."""

NOT_THEIRS = frozenset(
    {
        "contact_made", "payment", "payment_failed", "refund", "ticket_solved", "delivered", "delivery_late",
        "undelivered", "subscription_renew", "uninstalled", "subscription_change", "ticket_replied", "survey_asked",
        "invoice",
    }
)  # fmt: skip
"""Roles of what others do."""

NOT_OF_THEIR_OWN = ("", "contact_made", "contact_opened", "consent", "unsubscribe", "survey_asked")
"""Roles that a customer has without doing anything; analyses count nobody as a customer who has no other."""

_CALLS = frozenset({"track", "page", "screen"})
"""The calls that tell what somebody did; the others tell who somebody is."""


def note_doing(profile: Profile, event: Event) -> None:
    """Take in when the customer did something. To be called before `created` and `updated` are the event's."""
    done = profile.done
    if done is None:  # of a profile that was written before this was noted, the latest event of then is known
        done = profile.done = NEVER if profile.created is None else profile.updated
    if event.time > done and event.type in _CALLS and event.role not in NOT_THEIRS:
        profile.done = event.time


def last_done(profile: Profile) -> Number:
    """When the customer last did something; NEVER for who did nothing.

    A profile that was written before this was noted is known by its latest event, whatever that was.
    """
    return profile.updated if profile.done is None else profile.done


def merge_doings(winner: Profile, loser: Profile) -> None:
    """Take in what the loser did. To be called before `created` and `updated` are those of both."""
    known = [last_done(profile) for profile in (winner, loser) if profile.created is not None]
    winner.done = max(known, default=None)


Signs = Mapping[str, Sequence[tuple[str, frozenset[str]]]]
"""Role → the definitions of churn that its events are signs for, each with the subjects that count; none: all do."""


def note_sign(profile: Profile, event: Event, asked: Sequence[tuple[str, frozenset[str]]]) -> None:
    """Keep an event for the snapshots that wait for a sign of life: the first after each, which is all a label asks
    for, and the same in any order."""
    for name, subjects in asked:
        churn = (profile.churns or {}).get(name)
        if churn is None or (subjects and event.subject not in subjects):
            continue
        for snapshot in churn.snapshots:
            if snapshot.at < event.time < churn.signs.get(snapshot.at, float("inf")):
                churn.signs[snapshot.at] = event.time
