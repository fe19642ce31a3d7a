"""A file is as it was or whole, and nothing else is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydrdl import atomic


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_the_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with atomic.whole_file(path) as part:
        part.write_text("half")
        assert not path.exists()
        assert atomic.final_name(part.name) == "a.json"
    assert path.read_text() == "half"
    with atomic.whole_file(path) as part:
        part.write_text("whole")
        assert path.read_text() == "half"
    assert path.read_text() == "whole"
    assert names(tmp_path) == {"a.json"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_what_was_there(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    for target in (path, tmp_path / "b.json"):
        with pytest.raises(error), atomic.whole_file(target) as part:
            part.write_text("new")
            raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == {"a.json"}


def test_bytes_are_on_the_disk_before_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, done = tmp_path / "a.json", []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        done.append(("sync", atomic.final_name(name)))
        fsync(descriptor)

    def replaced(part: Path, target: Path) -> Path:
        done.append(("rename", target.name))
        return replace(part, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    atomic.write_text(path, "Straße")
    assert path.read_bytes() == "Straße".encode()
    assert done == [
        ("sync", "a.json"), ("rename", "a.json"), ("sync", tmp_path.name)
    ]  # fmt: skip


def test_parts_of_the_dead_are_deleted_and_no_others(tmp_path: Path) -> None:
    dead, living = dead_process(), os.getppid()
    ours, theirs = f".a.json.{dead}.part", f".a.json.{living}.part"
    others = {f".b.json.{dead}.part", f".a.json.x.{dead}.part", "a.json.part", theirs}
    for name in {ours} | others:
        (tmp_path / name).write_text("")
    atomic.write_text(tmp_path / "a.json", "")
    assert names(tmp_path) == {"a.json"} | others


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_one_of_many_files(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "1.jpg"
    with atomic.renamed(path) as part:
        part.write_text("old")
        assert not path.exists()
        assert atomic.final_name(part.name) == "1.jpg"
    with pytest.raises(error), atomic.renamed(path) as part:
        part.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == {"1.jpg"}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic.write_text(tmp_path / "none" / "a.json", "")


@given(st.text(min_size=1), st.integers(0))
def test_the_final_name_of_a_part(name: str, process: int) -> None:
    assert atomic.final_name(f".{name}.{process}.part") == name
    assert atomic.final_name(f"{name}.h5") == f"{name}.h5"
