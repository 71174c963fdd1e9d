"""Audiences to whatever takes Segment's calls: which calls, about whom, and what its refusals mean."""

from __future__ import annotations

import base64
import json

import pytest
from pydantic import SecretStr

from plan.sinks.kinds import SegmentStyleSink
from profiles.errors import WrongUse
from streams.sinks.http import Answer
from streams.sinks.kinds.kind import Told
from streams.sinks.kinds.segment_style import SegmentStyle
from streams.sinks.messages import Audience, Member, SegmentData, SegmentMessage

AT = "2026-11-30T09:00:00.000000Z"


def sink(**spec):
    held = {"URL": SecretStr("https://cdp.example/"), "SECRET": SecretStr("key")}
    return SegmentStyle("ads", SegmentStyleSink(type="segment_style", **spec), held, plan="Shop")


def moved(change, ids):
    data = SegmentData("ch1", Audience("at_risk", None, 3), change, Member("p1", ids), AT, "event")
    return Told("ch1", [SegmentMessage(type=f"segment.{change}", timestamp=AT, data=data)], 0.0)


@pytest.mark.parametrize(("change", "event"), [("entered", "Audience Entered"), ("exited", "Audience Exited")])
def test_a_move_is_a_track_and_an_identify_of_segments_own_shape(change, event):
    calls = sink().requests(moved(change, {"user_id": "42", "loyalty_number": "L7"}))
    bodies = [json.loads(call.body) for call in calls]
    inside = change == "entered"
    personas = {"computation_class": "audience", "computation_key": "at_risk", "namespace": "Shop"}
    shared = {"timestamp": AT, "userId": "42", "context": {"personas": personas}}
    assert bodies == [
        {
            "type": "track", "messageId": "ch1:42:track", "event": event,
            "properties": {"audience_key": "at_risk", "at_risk": inside}, **shared,
        },
        {"type": "identify", "messageId": "ch1:42:identify", "traits": {"at_risk": inside}, **shared},
    ]  # fmt: skip
    assert [call.url for call in calls] == ["https://cdp.example/v1/track", "https://cdp.example/v1/identify"]
    assert {call.headers["authorization"] for call in calls} == {"Basic " + base64.b64encode(b"key:").decode()}


def test_there_is_one_call_an_identity_and_none_for_who_has_none():
    both = sink(ids=["user_id", "loyalty_number"]).requests(moved("entered", {"user_id": "42", "loyalty_number": "L7"}))
    assert [json.loads(call.body)["userId"] for call in both] == ["42", "42", "L7", "L7"]
    assert sink().requests(moved("entered", {"loyalty_number": "L7"})) == []
    assert sink().requests(moved("entered", None)) == []


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "delivered"), (400, "refused"), (413, "refused"), (401, "again"), (302, "again"), (410, "disabled")],
)
def test_what_an_answer_means(status, outcome):
    assert sink().judge(Answer(status, "", {})).outcome == outcome


def test_without_a_write_key_it_is_refused():
    with pytest.raises(WrongUse, match="RAPPORT_SINK_ADS_SECRET"):
        SegmentStyle("ads", SegmentStyleSink(type="segment_style"), {"URL": SecretStr("https://cdp.example")})
