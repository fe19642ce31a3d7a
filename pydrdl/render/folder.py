"""A data set's folder while it is drawn: taken up, filled, finished.

Images come first, each whole or not there. The folder of the split lists, which
readers need, takes its name last; until then unfinished.json stands in the
folder, and drawing that was interrupted goes on from the images that are there.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pydrdl.errors import InputError

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
    try:
        _start(output, plan, folders)
        for _ in images:
            pass
        _finish(output, files, lists)
    except OSError as error:
        raise InputError(
            f"cannot write: {error.strerror or error}",
            error.filename or output,
            "make room or name a writable folder, then repeat the command to go on",
        ) from error


def write(path: Path, pieces: Iterable[bytes]) -> None:
    """Writes a file that is either whole or not there."""
    partial_path = path.with_name(f".{path.name}.{os.getpid()}.part")
    with partial_path.open("wb") as file:
        file.writelines(pieces)
    partial_path.replace(path)


def _start(output: Path, plan: str, folders: Iterable[str]) -> None:
    """Makes the folder, or takes up the one that is there."""
    marker, wanted = output / MARKER, plan + "\n"
    if marker.is_file():
        if marker.read_text(encoding="utf-8") != wanted:
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
        write(marker, [wanted.encode()])
    _tidy(output)
    for folder in folders:
        (output / folder).mkdir(exist_ok=True)


def _finish(output: Path, files: Files, lists: Files) -> None:
    """Writes the lists; the last renaming makes the whole a data set."""
    for name, lines in files:
        write(output / name, _encoded(lines))
    if not (output / LISTS).exists():
        folder = output / f".{LISTS}.{os.getpid()}.part"
        folder.mkdir()
        for name, lines in lists:
            (folder / name).parent.mkdir(exist_ok=True)
            write(folder / name, _encoded(lines))
        folder.replace(output / LISTS)
    (output / MARKER).unlink(missing_ok=True)


def _encoded(lines: Iterable[str]) -> Iterator[bytes]:
    return (line.encode() for line in lines)


def _tidy(output: Path) -> None:
    """Removes what a killed run was writing."""
    for path in list(output.rglob(".*.part")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
