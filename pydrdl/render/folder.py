"""A data set's folder while it is drawn: taken up, filled, finished.

Images come first, each whole or not there. The folder of the split lists, which
readers need, takes its name last; until then unfinished.json stands in the
folder, and drawing that was interrupted goes on from the images that are there.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from pydrdl.errors import InputError, writing
from pydrdl.files import whole_file, write_text

MARKER = "unfinished.json"
LISTS = "train_test_split"  # as VehicleID and CompCars name it
Passing = Callable[[Iterable[int], str, int], Iterable[int]]
Files = Iterable[tuple[str, Iterable[str]]]  # paths inside a folder, and lines


def fill_folder(
    output: Path,
    plan: str,
    folders: Iterable[str],
    images: Iterable[int],
    files: Files,
    lists: Files,
) -> None:
    """Writes a data set.

    Args:
        output: the folder to make, or one that an interrupted run left.
        plan: what is drawn, one line that differs from any other plan's.
        folders: to make in it before the images.
        images: draws and writes the images that are not there yet, when it is
            gone through.
        files: every other file but the split lists.
        lists: the files of the folder of split lists.

    Raises:
        InputError: the folder holds something else, or other plans' images, or
            cannot be written.
    """
    output = Path(output)
    with writing("the data set", output):
        _start(output, plan, folders)
        for _ in images:
            pass
        _finish(output, files, lists)


def _start(output: Path, plan: str, folders: Iterable[str]) -> None:
    """Makes the folder, or takes up the one that is there."""
    marker, wanted = output / MARKER, plan + "\n"
    if marker.is_file():
        if marker.read_bytes() != wanted.encode():
            raise InputError(
                "rendering of another plan was interrupted here",
                output,
                "repeat the command that began it, or delete the folder",
            )
    else:
        # What a run leaves that was killed before its marker was whole.
        known = (f".{MARKER}.",)
        if output.exists() and (
            not output.is_dir()
            or any(not path.name.startswith(known) for path in output.iterdir())
        ):
            raise InputError(
                "the output exists and is not empty",
                output,
                "choose another folder, or delete this one",
            )
        output.mkdir(parents=True, exist_ok=True)
        write_text(marker, wanted)
    _tidy(output)
    for folder in folders:
        (output / folder).mkdir(exist_ok=True)


def _finish(output: Path, files: Files, lists: Files) -> None:
    """Writes the lists; the last renaming makes the whole a data set."""
    for name, lines in files:
        _write(output / name, lines)
    if not (output / LISTS).exists():
        folder = output / f".{LISTS}.{os.getpid()}.part"
        folder.mkdir()
        for name, lines in lists:
            (folder / name).parent.mkdir(exist_ok=True)
            _write(folder / name, lines)
        folder.replace(output / LISTS)
    (output / MARKER).unlink(missing_ok=True)


def _write(path: Path, lines: Iterable[str]) -> None:
    """Writes a list that is either whole or not there."""
    with whole_file(path) as part, part.open("wb") as file:
        file.writelines(line.encode() for line in lines)


def _tidy(output: Path) -> None:
    """Removes what a killed run was writing."""
    for path in list(output.rglob(".*.part")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
