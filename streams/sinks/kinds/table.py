"""Every kind of sink there is, by what `type` says in a plan."""

from __future__ import annotations

from typing import Any

from streams.sinks.kinds.apprise import Apprise
from streams.sinks.kinds.dingtalk import DingTalk
from streams.sinks.kinds.email import Email
from streams.sinks.kinds.feishu import Feishu
from streams.sinks.kinds.kind import Kind
from streams.sinks.kinds.segment_style import SegmentStyle
from streams.sinks.kinds.slack import Slack
from streams.sinks.kinds.teams import Teams
from streams.sinks.kinds.webhook import Webhook
from streams.sinks.kinds.wecom import WeCom

__all__ = ["TABLE"]

TABLE: dict[str, type[Kind[Any]]] = {
    "webhook": Webhook,
    "segment_style": SegmentStyle,
    "slack": Slack,
    "teams": Teams,
    "feishu": Feishu,
    "dingtalk": DingTalk,
    "wecom": WeCom,
    "email": Email,
    "apprise": Apprise,
}
