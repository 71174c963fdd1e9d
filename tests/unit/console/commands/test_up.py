"""What `rapport up` starts on which machine."""

from __future__ import annotations

from console.commands.up import Roles


def test_ingest_is_a_process_of_its_own_where_there_are_cores_for_it() -> None:
    assert Roles.for_cores(2) == Roles()
    assert Roles().ingest is None
    roles = Roles.for_cores(4)
    assert roles.ingest is not None
    assert (roles.ingest[-2:], roles.work[-2:]) == (["--only", "ingest"], ["--only", "profile"])
