"""The errors of Rapport.

RapportError
├── NotFound          no such profile, alert, segment
├── Fenced            another worker has taken over this partition; nothing was written
├── Unacceptable      this one message will never be accepted: reject it, never retry it
├── Busy              more is asked at once than there are connections for; nothing is wrong with the other side
└── Misconfigured     the installation is wrong, or a server is away; the message says what to do
    └── WrongUse      a setting, the plan or an argument of a command cannot be used
"""

__all__ = ["Busy", "Fenced", "Misconfigured", "NotFound", "RapportError", "Unacceptable", "WrongUse"]


class RapportError(Exception):
    """The base of every error that Rapport raises on purpose."""


class NotFound(RapportError):
    """What was asked for does not exist."""


class Fenced(RapportError):
    """A commit was refused as a whole, because the partition's version is no longer the one that was read."""


class Busy(RapportError):
    """No connection became free in time, because others use all of them. Try again."""


class Misconfigured(RapportError):
    """The installation is wrong; the message says what to change."""


class WrongUse(Misconfigured):
    """A setting, the plan or an argument of a command cannot be used; the message names it and what is allowed."""


class Unacceptable(RapportError):
    """A message that can never be accepted as it is. A step for single events rejects at any error; elsewhere every
    other exception stops the worker un-acked.

    Args:
        reason: a short machine-readable reason, e.g. `invalid_json`, `unknown_event`.
        message: what is wrong and where, for a person.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
