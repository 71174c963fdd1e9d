"""What one commit of the linker will write: changes of its store, records for profiles, and news of who is who."""

from __future__ import annotations

import msgspec

from plan import Plan
from profiles.identity.links import LinkRequest, Refusal
from profiles.identity.secrets import fingerprint
from profiles.store import Output
from profiles.types import Record, partition_of
from profiles.units import REFUSALS_KEPT, LinkChanges, LinkState
from streams.kafka.outbox import MARKER
from streams.kafka.topics import IDENTITY_CHANGES, IDENTITY_LINKS, PROFILE_EVENTS
from streams.steps.work import SENT_BITS

__all__ = ["Draft"]

_encode = msgspec.msgpack.Encoder().encode
_to_json = msgspec.json.Encoder().encode


class Draft:
    """Collects what the requests of one batch come to.

    Args:
        plan: namespace and key, by which a rebuild knows whose news these are.
        topic: real name of `identity.links`.
        partitions: of `profile.events`.
    """

    def __init__(self, plan: Plan, topic: str, partitions: int) -> None:
        self._plan = plan
        self._topic = topic
        self._partitions = partitions
        self._outputs: list[Output] = []
        self._refused: list[Refusal] = []
        self._sent = 0  # records because of the request at hand
        self._asked = 0
        self.offset = 0  # of the request at hand
        self.changes = LinkChanges(0, -1)

    def begin(self, offset: int) -> None:
        """Go on with the request at an offset of `identity.links`."""
        self.offset, self._sent = offset, 0

    def send(self, record: Record) -> None:
        """Send a record to the partition of its profile."""
        record.origin = (self._topic, 0, (self.offset << SENT_BITS) + self._sent)
        self._sent += 1
        to = partition_of(record.profile, self._partitions)
        id_ = f"{self._topic}/0/{record.origin[2]}"
        self._outputs.append(Output(PROFILE_EVENTS, record.profile.encode(), _encode(record), id_, to))

    def tell(self, key: str, message: object) -> None:
        """Put the news into `identity.changes`; None deletes the key."""
        body = _to_json(message) if message else b""
        self._outputs.append(Output(IDENTITY_CHANGES, key.encode(), body, f"{key}:{self.offset}", 0))

    def ask(self, request: LinkRequest) -> None:
        """Ask ourselves to decide about a link again, behind all that was asked before."""
        id_ = f"again:{self.offset}:{self._asked}"
        self._asked += 1
        self._outputs.append(Output(IDENTITY_LINKS, b"again", _encode(request), id_, 0))

    def refuse(self, refusal: Refusal) -> None:
        """Note a link that was not made."""
        self._refused.append(refusal)

    def finish(self, state: LinkState, applied: int) -> LinkChanges:
        """The draft as one commit on top of a state."""
        changes = self.changes
        changes.version, changes.nonce, changes.applied = state.version, state.nonce, applied
        for slot in changes.refused_gone:
            self.tell(f"@refused:{slot}", None)
        for number, refusal in enumerate(self._refused, state.refusals):
            slot = str(number % REFUSALS_KEPT)
            changes.refused[slot] = refusal
            self.tell(f"@refused:{slot}", refusal)
        changes.refusals = state.refusals + len(self._refused)
        changes.outputs = [*self._outputs, self._marker(changes)] if self._outputs else []
        return changes

    def _marker(self, changes: LinkChanges) -> Output:
        """Says, behind all news of a commit, how far the linker has come with them."""
        body = {
            "version": changes.version + 1,
            "applied": changes.applied,
            "refusals": changes.refusals,
            "namespace": self._plan.namespace.hex,
            "pii_key": fingerprint(self._plan.pii_key),
        }
        return Output(IDENTITY_CHANGES, MARKER, _to_json(body), f"commit:{changes.applied}", 0)
