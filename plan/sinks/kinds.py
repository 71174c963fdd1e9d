"""The kinds of sinks that a plan may have. How each of them is spoken to: `streams/sinks/kinds/`, one file a kind."""

from __future__ import annotations

import re
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from plan.sinks.sink import Sink, TalkingSink

__all__ = [
    "KINDS", "AnySink", "AppriseSink", "DingTalkSink", "EmailSink", "FeishuSink", "SegmentStyleSink", "SlackSink",
    "TeamsSink", "WeComSink", "WebhookSink",
]  # fmt: skip


_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")


def _mailbox(value: str) -> str:
    if _MAILBOX.fullmatch(value) is None:
        raise ValueError(f"'{value}' is no mail address such as success@example.com")
    return value


Mailbox = Annotated[str, Field(max_length=254), AfterValidator(_mailbox)]
"""A mail address, without a name."""


Sync = Literal["all", "changes"]
"""Of whom a sink is told that is told of segments: of all members, those first who were there before it; or of none of
them, only of who moves from then on."""


class WebhookSink(Sink):
    """Any HTTP receiver: one signed request a message, as Standard Webhooks says."""

    type: Literal["webhook"]
    payload: Literal["thin", "full"] = "thin"  # thin: no names, no identities, no reasons
    sync: Sync = "changes"


class SegmentStyleSink(Sink):
    """Any endpoint that takes Segment's calls: who enters and leaves which audience."""

    families: ClassVar[tuple[str, ...]] = ("segment.*",)
    usual: ClassVar[tuple[str, ...]] = ("segment.*",)

    type: Literal["segment_style"]
    namespace: str = Field(default="", max_length=100)  # of `context.personas`; the plan's name unless given
    ids: Annotated[tuple[str, ...], Field(min_length=1)] = ("user_id",)  # identity types that are sent as userId
    sync: Sync = "all"


class SlackSink(TalkingSink):
    """A channel of Slack, by an incoming webhook."""

    type: Literal["slack"]


class TeamsSink(TalkingSink):
    """A channel or chat of Microsoft Teams, by a workflow."""

    type: Literal["teams"]


class FeishuSink(TalkingSink):
    """A group of 飞书 or Lark, by a custom bot."""

    type: Literal["feishu"]


class DingTalkSink(TalkingSink):
    """A group of 钉钉, by a custom bot."""

    type: Literal["dingtalk"]


class WeComSink(TalkingSink):
    """A group of 企业微信, by a bot."""

    type: Literal["wecom"]


class EmailSink(TalkingSink):
    """Mailboxes, by a server of SMTP."""

    type: Literal["email"]
    to: Annotated[tuple[Mailbox, ...], Field(min_length=1, max_length=50)]
    from_: Mailbox = Field(alias="from")


class AppriseSink(TalkingSink):
    """Any service that Apprise knows."""

    type: Literal["apprise"]


KINDS: dict[str, type[Sink]] = {
    "webhook": WebhookSink,
    "segment_style": SegmentStyleSink,
    "slack": SlackSink,
    "teams": TeamsSink,
    "feishu": FeishuSink,
    "dingtalk": DingTalkSink,
    "wecom": WeComSink,
    "email": EmailSink,
    "apprise": AppriseSink,
}
"""By what `type` says."""


def _type(value: Any) -> str | None:
    told = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return told if isinstance(told, str) and told in KINDS else None


if TYPE_CHECKING:
    AnySink = Sink
    """A sink of any kind."""
else:
    AnySink = Annotated[
        reduce(or_, (Annotated[kind, Tag(name)] for name, kind in KINDS.items())),
        Discriminator(
            _type, custom_error_type="sink", custom_error_message=f"type: a sink is one of: {', '.join(KINDS)}"
        ),
    ]
