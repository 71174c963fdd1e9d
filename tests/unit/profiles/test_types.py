"""Profile ids: the same for the same identity on every machine."""

from __future__ import annotations

import base64
import uuid

from hypothesis import given
from hypothesis import strategies as st

from profiles.types import profile_id

NAMESPACE = uuid.UUID("6b1c0e5e-8d6b-4f3a-9a52-0d7d2b8f4c11")


@given(st.sampled_from(["user_id", "email"]), st.text(max_size=40))
def test_an_id_is_the_version_5_uuid_of_the_identity(kind: str, value: str) -> None:
    """Whoever has the namespace can compute the id with any UUID library."""
    expected = uuid.uuid5(NAMESPACE, f"{kind}\0{value}")

    assert base64.urlsafe_b64decode(profile_id(NAMESPACE, (kind, value)) + "==") == expected.bytes
