"""The rooms: a unit test lies where its module lies, and no folder is so full that nobody finds a thing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests import REPOSITORY

PACKAGES = ("profiles", "models", "plan", "analysis", "streams", "console")
UNIT = REPOSITORY / "tests" / "unit"
FULL = 17  # Python files on one level, with `__init__.py`
SUBJECTS = {
    f"{subject}.py"
    for subject in (
        "alerts",
        "census",
        "companies",
        "cases",
        "clock",
        "identity",
        "learner",
        "links",
        "models",
        "privacy",
        "profile",
        "profiles",
        "segments",
    )
}
ONE_FILE_A_COMMAND = REPOSITORY / "console" / "commands"


def folders() -> list[Path]:
    found = [REPOSITORY / package for package in PACKAGES]
    found += [path for package in list(found) for path in package.rglob("*") if path.is_dir()]
    return [path for path in found if any(path.glob("*.py"))]


@pytest.mark.parametrize("test", sorted(UNIT.rglob("test_*.py")), ids=lambda path: str(path.relative_to(UNIT)))
def test_a_unit_test_lies_where_its_module_lies(test: Path) -> None:
    module = REPOSITORY / test.relative_to(UNIT).with_name(test.name.removeprefix("test_"))
    assert module.exists(), f"no {module.relative_to(REPOSITORY)}: tests/unit mirrors the packages"


@pytest.mark.parametrize("folder", folders(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_no_folder_is_too_full(folder: Path) -> None:
    if folder != ONE_FILE_A_COMMAND:
        assert len(list(folder.glob("*.py"))) <= FULL, "divide it: one room, one subject"


def test_no_name_of_a_file_stands_for_three_subjects() -> None:
    """The same subject may be in several rooms: its store, its view, its command."""
    names = Counter(file.name for folder in folders() for file in folder.glob("[a-z]*.py"))

    assert {name for name, count in names.items() if count > 2} <= SUBJECTS, "say in the name what is inside"


@pytest.mark.parametrize("folder", folders(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_room_says_what_it_is(folder: Path) -> None:
    """The first line of `__init__.py`."""
    assert (folder / "__init__.py").read_text().startswith('"""'), "say in a sentence what belongs here"
