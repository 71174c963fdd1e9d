"""Any identity can stand in a path."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from console.api.paths import PROFILE_ID, one_segment, parse_identity
from tests.console.support_api import PLAN


@given(st.text(min_size=1).filter(lambda value: value.isprintable()), st.sampled_from(["", "/events"]))
def test_an_encoded_identity_is_read_back(value: str, tail: str) -> None:
    """Whatever it holds, and whatever follows it; as one segment of the path."""
    path = one_segment(f"/v1/profiles/profile_id:{quote(value, safe='')}{tail}".encode())

    segment = path.removeprefix("/v1/profiles/").removesuffix(tail)
    assert "/" not in segment
    assert parse_identity(segment, PLAN) == (PROFILE_ID, value)


def test_a_slash_need_not_be_encoded() -> None:
    """Only a literal /events at the end belongs to the route."""
    assert one_segment(b"/v1/profiles/email:a/b@c/events") == "/v1/profiles/email%3Aa%2Fb%40c/events"
    assert one_segment(b"/v1/profiles/user_id:x%2Fevents?limit=1") == "/v1/profiles/user_id%3Ax%2Fevents"
