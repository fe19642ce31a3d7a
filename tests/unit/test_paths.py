"""What lies at a path, and what cannot be looked at."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from unprivileged import as_user, common_folder, forbidden

from pydrdl.errors import InputError
from pydrdl.files import exists, files_in, is_file, is_folder

TESTS = (exists, is_file, is_folder)


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("file", (True, True, False)),
        ("folder", (True, False, True)),
        ("pipe", (True, False, False)),
        ("link", (True, True, False)),
        ("lost", (False, False, False)),
        ("none", (False, False, False)),
        ("file/below", (False, False, False)),
        ("a\0b", (False, False, False)),
    ],
)
def test_what_is_there(
    name: str, answers: tuple[bool, bool, bool], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "lost").symlink_to("none")
    assert tuple(test(tmp_path / name) for test in TESTS) == answers


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x" * 256, "File name too long"),
        ("circle", "Too many levels of symbolic links"),
        ("\ud800", "not UTF-8"),
    ],
)
def test_what_cannot_be_looked_at(
    test: Callable[[Path], bool], name: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(InputError, match=reason) as caught:
        test(tmp_path / name)
    assert caught.value.where == str(tmp_path / name)


@pytest.mark.parametrize("test", TESTS)
def test_a_folder_that_may_not_be_entered(test: Callable[[Path], bool]) -> None:
    with common_folder() as folder:
        (folder / "a").mkdir()
        with (
            forbidden(folder / "a"), as_user(),
            pytest.raises(InputError, match="Permission denied"),
        ):  # fmt: skip
            test(folder / "a/b")


def test_files_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "a.jpg"):
        (tmp_path / name).write_text("")
    assert files_in(tmp_path, "*.txt") == [tmp_path / "a.txt", tmp_path / "b.txt"]
    assert files_in(tmp_path / "none", "*") == []
    assert files_in(tmp_path / "a.jpg", "*") == []


def test_a_folder_that_may_not_be_listed() -> None:
    """Path.glob() finds nothing in it."""
    with common_folder() as folder:
        (folder / "a").mkdir()
        (folder / "a").chmod(0o711)
        with as_user(), pytest.raises(InputError, match="Permission denied"):
            files_in(folder / "a", "*.txt")
