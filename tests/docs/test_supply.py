"""What is installed is what was tested: the locks agree with pyproject.toml, and image and CI install from them."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from streams.settings import Settings
from tests import REPOSITORY
from tests.servers.containers import KAFKA_IMAGE, REDIS_IMAGE

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
BUILD = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["build-system"]
LOCKS = {"dev": ["dev"], "image": ["storage", "nightly", "oidc", "mcp"]}
"""By lock, the extras that are in it."""
COMPILE = "they do not agree: run requirements/compile"


class Pin(NamedTuple):
    """One version of a package in a lock."""

    version: Version
    hashes: int
    wanted_by: str


def pins(lock: str) -> dict[str, list[Pin]]:
    """The packages of a lock; one may have several versions, each for other Pythons or systems."""
    found: defaultdict[str, list[Pin]] = defaultdict(list)
    text = (REPOSITORY / "requirements" / f"{lock}.txt").read_text()
    for entry in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]:
        requirement, comments = entry.split(" \\\n", 1)
        one = Requirement(requirement)
        [version] = [spec.version for spec in one.specifier if spec.operator == "=="]
        found[canonicalize_name(one.name)].append(Pin(Version(version), comments.count("--hash=sha256:"), comments))
    return dict(found)


def wanted(lock: str) -> list[Requirement]:
    """What pyproject.toml asks for."""
    extras = [line for extra in LOCKS[lock] for line in PROJECT["optional-dependencies"][extra]]
    return [Requirement(line) for line in [*PROJECT["dependencies"], *extras, *BUILD["requires"]]]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_all_that_the_project_asks_for_in_a_version_that_it_allows(lock: str) -> None:
    """And nothing that it does not ask for any more, nor only a package of its own does."""
    locked = pins(lock)
    for requirement in wanted(lock):
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement} is not in {lock}.txt; {COMPILE}"
        for pin in versions:
            assert pin.version in requirement.specifier, f"{requirement}, {pin.version} in {lock}.txt; {COMPILE}"
    direct = {
        name for name, found in locked.items() if any("rapport-cdp (pyproject.toml)" in p.wanted_by for p in found)
    }
    asked = {canonicalize_name(requirement.name) for requirement in wanted(lock)}
    assert direct == asked - {"setuptools"}, COMPILE


@pytest.mark.parametrize("lock", LOCKS)
def test_every_file_is_known_by_its_hash_and_comes_from_no_named_place(lock: str) -> None:
    """pip refuses a lock of which one line has no hash; which index it asks is the business of who installs."""
    assert all(pin.hashes for found in pins(lock).values() for pin in found)
    text = (REPOSITORY / "requirements" / f"{lock}.txt").read_text()
    assert "://" not in text
    assert not re.search(r"^\s*--(?!hash=)", text, re.MULTILINE)


def test_the_image_runs_what_was_tested() -> None:
    """The same version of every package that both have."""
    dev, image = pins("dev"), pins("image")
    for name in dev.keys() & image.keys():
        assert [pin.version for pin in image[name]] == [pin.version for pin in dev[name]], f"{name}; {COMPILE}"


def test_image_and_ci_install_from_the_locks_alone() -> None:
    """Neither resolves a version by itself, nor fetches what builds the package."""
    for file, lock in (("Dockerfile", "image"), (".ci/run", "dev")):
        installs = re.findall(r'pip"? install ([^&\n]*)', (REPOSITORY / file).read_text())
        ours = [line for line in installs if line.strip() != "-q ."]  # the README's command, tried as it is
        assert len(ours) == 2
        assert f"--require-hashes -r requirements/{lock}.txt" in ours[0]
        assert "--no-deps --no-build-isolation" in ours[1]


def test_base_images_are_named_by_an_exact_version_and_the_same_everywhere() -> None:
    """So that tests run on what runs."""
    compose = (REPOSITORY / "docker-compose.yml").read_text()
    images = dict(re.findall(r"\$\{([A-Z]+_IMAGE):-([^}]+)\}", compose))
    base = re.search(r"^ARG PYTHON_IMAGE=(.*)$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)

    assert base is not None
    assert images == {"PYTHON_IMAGE": base[1], "KAFKA_IMAGE": KAFKA_IMAGE, "REDIS_IMAGE": REDIS_IMAGE}
    for image in images.values():
        assert re.search(r":\d+\.\d+\.\d+", image), image
    assert set(re.findall(r"^\s+image: (.*)$", compose, re.MULTILINE)) == {
        "rapport", f"${{KAFKA_IMAGE:-{KAFKA_IMAGE}}}", f"${{REDIS_IMAGE:-{REDIS_IMAGE}}}",
    }  # fmt: skip


def test_the_page_on_security_names_every_port_and_every_key_of_ours_and_can_be_read_at_once() -> None:
    """What opens a door is on the page, as soon as there is a setting for it."""
    page = (REPOSITORY / "docs" / "security.md").read_text()
    doors = [name for name in Settings.model_fields if re.fullmatch(r"(\w+_)?port|pii_key|user_id_key", name)]

    assert len(doors) >= 5
    assert [name for name in doors if f"RAPPORT_{name.upper()}" not in page] == []
    assert len(page.split()) < 900
    assert "docs/security.md" in (REPOSITORY / "SECURITY.md").read_text()
