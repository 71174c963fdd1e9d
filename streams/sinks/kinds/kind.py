"""What a kind of sink tells of itself: which requests a message becomes, and what the answers mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Generic, NamedTuple, TypeVar

from pydantic import SecretStr

from plan.sinks.sink import Sink
from streams.sinks.http import Answer, Call, Caller
from streams.sinks.messages import Body
from streams.sinks.retry_after import wait_of

__all__ = ["HttpKind", "Kind", "Pace", "Phrase", "Told", "Verdict", "as_it_is"]

Spec = TypeVar("Spec", bound=Sink)


class Pace(NamedTuple):
    """How fast a service may be called."""

    number: int = 50  # requests…
    seconds: float = 1.0  # …in so many seconds
    at_once: int = 8  # requests under way


Phrase = Callable[[str, str], str]
"""Says a sentence of the models in a language of plans."""


def as_it_is(text: str, language: str) -> str:
    """For who has no translations of what models say."""
    return text


class Told(NamedTuple):
    """A message, ready to be put into a service's words."""

    id: str  # the same at each attempt
    bodies: Sequence[Body]  # several of a kind that joins; else one
    now: float  # of this attempt, seconds since the epoch
    more: int = 0  # alerts that are not named
    more_value: int = 0  # minor units at risk with them
    currency: str = "EUR"
    language: str = "en"
    url: str | None = None  # of the console's list of alerts
    phrase: Phrase = as_it_is  # a sentence of the models in a language


class Verdict(NamedTuple):
    """What an attempt came to."""

    outcome: str  # delivered | again | refused (never try this message again) | disabled (tell it nothing any more)
    status: int = 0  # of HTTP, or of SMTP; 0: there was none
    answer: str = ""  # or what went wrong, in words
    after: float | None = None  # again: not before so many seconds, as the service says
    throttled: bool = False  # …which goes for all messages


class Kind(ABC, Generic[Spec]):
    """One sink of this kind.

    Args:
        name: of the sink.
        spec: what the plan says of it.
        secrets: by the name of the variable without its prefix, as URL and SECRET.
        plan: the plan's name.

    Raises:
        WrongUse: what the environment says of it cannot be used.
    """

    PACE: ClassVar[Pace] = Pace()

    variables: ClassVar[Mapping[str, bool]] = {"URL": True}
    """What is read of the environment, and whether it has to be there."""

    def __init__(self, name: str, spec: Spec, secrets: Mapping[str, SecretStr], plan: str = "") -> None:
        self.name = name
        self.spec = spec
        self.plan = plan
        self._secrets = secrets

    def secret(self, what: str) -> str:
        """What the environment says; "" where it says nothing."""
        held = self._secrets.get(what)
        return held.get_secret_value() if held is not None else ""

    @property
    def hidden(self) -> list[str]:
        """What must not be shown of an answer."""
        return [held.get_secret_value() for held in self._secrets.values()]

    @classmethod
    def names(cls, spec: Spec, ids: Mapping[str, str] | None) -> int:
        """Under how many names a receiver is told of a customer with these identities: one, the profile's, as a rule.

        Args:
            spec: what the plan says of the sink.
            ids: by type; None where they are left out.
        """
        return 1

    @abstractmethod
    async def send(self, told: Told, caller: Caller) -> Verdict:
        """Make one attempt.

        Raises:
            NoAnswer: nobody answers; it is tried again.
            Refused: the address must not be called; it is tried again, as names change.
        """


class HttpKind(Kind[Spec]):
    """A sink that is called by HTTP. A message of several requests is delivered when all of them are; one that fails
    ends the attempt, and the next attempt makes all of them again."""

    async def send(self, told: Told, caller: Caller) -> Verdict:
        verdict = Verdict("delivered")
        for call in self.requests(told):
            verdict = self.judge(await caller.call(call))
            if verdict.outcome != "delivered":
                break
        return verdict

    @abstractmethod
    def requests(self, told: Told) -> Sequence[Call]:
        """The requests of a message, in order; none if there is nothing to tell."""

    def judge(self, answer: Answer) -> Verdict:
        """What an answer means: 2xx is delivered, 410 asks not to be called again, all else is tried again."""
        status, text = answer.status, answer.text
        if 200 <= status < 300:
            return Verdict("delivered", status, text)
        if status == 410:
            return Verdict("disabled", status, text)
        return Verdict("again", status, text, wait_of(answer, 0.0), throttled=status in (429, 502, 503, 504))
