"""How far a load has come is found again, by the same load alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.files.load_bookmark import LoadBookmark, LoadMark, load_id
from console.files.rows import FileSpec
from profiles.errors import Misconfigured

WEB = ("web.jsonl", "aa", FileSpec())
APP = ("app.jsonl.gz", "bb", FileSpec())


def test_the_same_files_are_the_same_load_in_any_order() -> None:
    """Read in another way they are another one."""
    assert load_id([WEB, APP]) == load_id([APP, WEB])
    assert load_id([WEB, APP]).startswith("app-")
    others = [[WEB], [APP], [WEB, APP], [(*WEB[:2], FileSpec.model_validate({"source": "web"}))]]
    assert len({load_id(files) for files in others}) == 4


def test_a_mark_is_found_again_in_the_same_installation(tmp_path: Path) -> None:
    """Elsewhere the load begins anew."""
    LoadBookmark(tmp_path, "shop-1", "here").write(LoadMark("shop-1", ["shop.jsonl"], done=7, events=9))

    found = LoadBookmark(tmp_path, "shop-1", "here").read()

    assert found is not None
    assert (found.done, found.events, found.complete) == (7, 9, False)
    assert LoadBookmark(tmp_path, "shop-1", "there").read() is None


def test_a_broken_mark_says_how_to_go_on(tmp_path: Path) -> None:
    """Not a stack trace."""
    bookmark = LoadBookmark(tmp_path, "shop-1", "here")
    bookmark.write(LoadMark("shop-1", []))
    bookmark.path.write_text("{")

    with pytest.raises(Misconfigured, match="--restart"):
        bookmark.read()


def test_two_processes_do_not_load_the_same(tmp_path: Path) -> None:
    """The second is told; what a killed run has left in the folder is gone for the next."""
    first, second = LoadBookmark(tmp_path, "shop-1", "here"), LoadBookmark(tmp_path, "shop-1", "here")
    with first.alone() as folder:
        (folder / "000000.run").touch()
        with pytest.raises(Misconfigured, match="under way already"), second.alone():
            pass
        assert (folder / "000000.run").exists()
    folder.mkdir()
    (folder / "000000.run").touch()

    with second.alone() as folder:
        assert not list(folder.iterdir())
    assert not folder.exists()
