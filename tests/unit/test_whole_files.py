"""A file is as it was or whole, and nothing else is left."""

import contextlib
import os
from pathlib import Path

import pytest
from commands import python, run, start
from hypothesis import given
from hypothesis import strategies as st
from unprivileged import as_user, common_folder

from pydrdl.errors import InputError
from pydrdl.files import (
    final_name,
    refuse_inputs,
    renamed,
    whole_file,
    write_text,
    write_together,
)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def dead_process() -> int:
    with start(*python("")) as child:
        return child.pid


def test_the_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with whole_file(path) as part:
        part.write_text("half")
        assert not path.exists()
        assert final_name(part.name) == "a.json"
    assert path.read_text() == "half"
    with whole_file(path) as part:
        part.write_text("whole")
        assert path.read_text() == "half"
    assert path.read_text() == "whole"
    assert names(tmp_path) == {"a.json"}


def test_files_that_belong_together_are_all_new_or_none(tmp_path: Path) -> None:
    net, weights = tmp_path / "net", tmp_path / "weights"
    write_together({net: b"1", weights: b"1"})
    with pytest.raises(TypeError):
        write_together({net: b"2", weights: "no bytes"})  # type: ignore[dict-item]
    assert (net.read_text(), weights.read_text()) == ("1", "1")
    assert names(tmp_path) == {"net", "weights"}
    # Where the second cannot be replaced, the first does not stand beside the old one.
    weights.unlink()
    weights.mkdir()
    with pytest.raises(OSError):
        write_together({net: b"3", weights: b"3"})
    assert not net.exists() or net.read_text() == "1"
    weights.rmdir()
    write_together({net: b"4", weights: b"4"})
    assert (net.read_text(), weights.read_text()) == ("4", "4")


def test_an_output_is_no_input_under_whatever_name(tmp_path: Path) -> None:
    given, other = tmp_path / "w", tmp_path / "link"
    given.touch()
    other.symlink_to(given)
    refuse_inputs([tmp_path / "new", None], given, None)
    for output in (given, tmp_path / "." / "w", other):
        with pytest.raises(InputError, match="is what it would be made from"):
            refuse_inputs([None, output], tmp_path / "gone", given)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_what_was_there(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    for target in (path, tmp_path / "b.json"):
        with pytest.raises(error), whole_file(target) as part:
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
        done.append(("sync", final_name(name)))
        fsync(descriptor)

    def replaced(part: Path, target: Path) -> Path:
        done.append(("rename", target.name))
        return replace(part, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    write_text(path, "Straße")
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
    write_text(tmp_path / "a.json", "")
    assert names(tmp_path) == {"a.json"} | others


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_one_of_many_files(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "1.jpg"
    with renamed(path) as part:
        part.write_text("old")
        assert not path.exists()
        assert final_name(part.name) == "1.jpg"
    with pytest.raises(error), renamed(path) as part:
        part.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == {"1.jpg"}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "none" / "a.json", "")


@pytest.mark.parametrize("length", [240, 250, 255])
def test_a_name_that_leaves_no_room_for_a_parts(tmp_path: Path, length: int) -> None:
    path = tmp_path / ("é" + "x" * (length - 2))
    with whole_file(path) as part:
        part.write_text("half")
        assert names(tmp_path) == {part.name} and not path.exists()
        dead = part.name.replace(f".{os.getpid()}.", f".{dead_process()}.")
    (tmp_path / dead).write_text("")
    write_text(path, "whole")
    assert path.read_text() == "whole"
    assert names(tmp_path) == {path.name}


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="File name too long"):
        write_text(tmp_path / ("x" * 256), "")
    assert names(tmp_path) == set()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    written = []
    with pytest.raises(IsADirectoryError), whole_file(tmp_path / "a") as part:
        written.append(part)
    assert not written and names(tmp_path) == {"a"}


def test_a_pipe_is_written_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "a.json"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_text(pipe, "content")
    assert os.read(reader, 100) == b"content"
    os.close(reader)
    assert pipe.is_fifo() and names(tmp_path) == {"a.json"}


def test_a_device_is_written_and_stays() -> None:
    for device in (Path("/dev/null"), Path("/dev/full")):
        if device.is_char_device() and os.access(device, os.W_OK):
            with (
                pytest.raises(OSError, match="No space")
                if "full" in device.name
                else (contextlib.nullcontext())
            ):
                write_text(device, "content")
            assert device.is_char_device()


def test_a_stream_is_written_and_stays(tmp_path: Path) -> None:
    """Its file would else be another one, without what was printed before."""
    code = (
        "from pathlib import Path; from pydrdl.files import write_text; "
        "print('a', flush=True); write_text(Path('/dev/stdout'), 'b')"
    )
    with (tmp_path / "out").open("ab") as file:
        number = (tmp_path / "out").stat().st_ino
        assert run(*python(code), stdout=file).returncode == 0
    assert (tmp_path / "out").stat().st_ino == number
    assert names(tmp_path) == {"out"}


def test_a_folder_that_may_not_be_listed() -> None:
    with common_folder() as folder:
        (folder / "open").mkdir()
        (folder / "open").chmod(0o333)
        with as_user():
            write_text(folder / "open/a.json", "whole")
        assert (folder / "open/a.json").read_text() == "whole"


@given(st.text(min_size=1), st.integers(0))
def test_the_final_name_of_a_part(name: str, process: int) -> None:
    assert final_name(f".{name}.{process}.part") == name
    assert final_name(f"{name}.h5") == f"{name}.h5"
