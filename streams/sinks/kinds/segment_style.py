"""`type: segment_style`: who enters and leaves which audience, to whatever takes Segment's calls.

For each of the customer's identities of the types that the plan names there is a `track` ("Audience Entered" or
"Audience Exited") and an `identify` that sets the trait of the audience's name. What receives them drops repeats by
`messageId`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from pydantic import SecretStr

from plan.sinks.kinds import SegmentStyleSink
from plan.sinks.sink import variable
from profiles.errors import WrongUse
from streams.sinks.http import Answer, Call, Caller
from streams.sinks.kinds.kind import HttpKind, Told, Verdict
from streams.sinks.messages import NoticeMessage, SegmentMessage

__all__ = ["SegmentStyle"]

_REFUSED = (400, 413, 422)
"""Statuses by which such an endpoint says that it will never take this call."""


class SegmentStyle(HttpKind[SegmentStyleSink]):
    """An endpoint that takes Segment's calls: `URL` is what stands before /v1/track, `SECRET` the write key."""

    variables = {"URL": True, "SECRET": True}  # noqa: RUF012  (the class's own)

    def __init__(self, name: str, spec: SegmentStyleSink, secrets: Mapping[str, SecretStr], plan: str = "") -> None:
        super().__init__(name, spec, secrets, plan)
        if not self.secret("SECRET"):
            raise WrongUse(f"{variable(name, 'SECRET')} is empty: it is the write key of the other side")

    @classmethod
    def names(cls, spec: SegmentStyleSink, ids: Mapping[str, str] | None) -> int:
        return sum(kind in (ids or {}) for kind in spec.ids)

    async def send(self, told: Told, caller: Caller) -> Verdict:
        if not self.requests(told):
            return Verdict("delivered", answer="there is no identity by which it could be told, so nothing was called")
        return await super().send(told, caller)

    def requests(self, told: Told) -> Sequence[Call]:
        return [call for body in told.bodies for call in self._calls(told, body)]

    def judge(self, answer: Answer) -> Verdict:
        if answer.status in _REFUSED:
            return Verdict("refused", answer.status, answer.text)
        return super().judge(answer)

    def _calls(self, told: Told, body: object) -> Iterator[Call]:
        if isinstance(body, NoticeMessage):  # a test
            yield self._call("track", f"{told.id}:test", body.timestamp, "rapport", event="Rapport Test")
            return
        assert isinstance(body, SegmentMessage)
        name, inside = body.data.segment.name, body.data.change == "entered"
        audience = {"computation_class": "audience", "computation_key": name}
        context = {"personas": {**audience, "namespace": self.spec.namespace or self.plan}}
        ids = body.data.customer.ids or {}
        for user in (ids[kind] for kind in self.spec.ids if kind in ids):
            event = "Audience Entered" if inside else "Audience Exited"
            properties = {"audience_key": name, name: inside}
            id_ = f"{told.id}:{user}"
            yield self._call(
                "track", f"{id_}:track", body.timestamp, user, event=event, properties=properties, context=context
            )
            yield self._call(
                "identify", f"{id_}:identify", body.timestamp, user, traits={name: inside}, context=context
            )

    def _call(self, type_: str, id_: str, at: str, user: str, **more: Any) -> Call:
        key = base64.b64encode(f"{self.secret('SECRET')}:".encode()).decode()
        headers = {"content-type": "application/json", "authorization": f"Basic {key}"}
        body = {"type": type_, "messageId": id_, "timestamp": at, "userId": user, **more}
        return Call(f"{self.secret('URL').rstrip('/')}/v1/{type_}", orjson.dumps(body), headers)
