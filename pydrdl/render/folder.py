"""A data set's folder while it is drawn; it takes its name when it is whole.

Images come first, each whole or not there, so that drawing that was interrupted goes
on from those that are there. unfinished.json says of which plan they are.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from pydrdl.errors import InputError
from pydrdl.files import is_file, read_bytes, whole_file
from pydrdl.folders import WholeFolder

MARKER = "unfinished.json"
LISTS = "train_test_split"  # as VehicleID and CompCars name it
OURS = {MARKER, LISTS, "README.md", "attribute", "image", "label"}
Files = Iterable[tuple[str, Iterable[str]]]  # paths inside a folder, and lines


def drawn_folder(output: Path) -> WholeFolder:
    """Where a data set is drawn until it is whole."""
    return WholeFolder(
        output, "the data set", "a drawn data set", OURS.__contains__, overwrite=None,
        other="an interrupted rendering of another plan",
    )  # fmt: skip


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
        output: the folder to make.
        plan: what is drawn, one line that differs from any other plan's.
        folders: to make in it before the images.
        images: draws and writes the images that are not there yet, into
            drawn_folder(output).partial, when it is gone through.
        files: every other file but the split lists.
        lists: the files of the folder of split lists.

    Raises:
        InputError: the folder is there, holds something else, or other plans'
            images, or cannot be written.
    """
    folder, data = drawn_folder(output), f"{plan}\n".encode()
    output, drawn = folder.output, folder.partial
    with folder.writing():
        if _is_finished(folder, data):
            return
        folder.begin(MARKER, data)
        for path in list(drawn.rglob(".*.part")):  # what a killed run was writing
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for name in folders:
            (drawn / name).mkdir(exist_ok=True)
        for _ in images:
            pass
        for name, lines in [*files, *((f"{LISTS}/{n}", lines) for n, lines in lists)]:
            (drawn / name).parent.mkdir(parents=True, exist_ok=True)
            with whole_file(drawn / name) as part, part.open("wb") as file:
                file.writelines(line.encode() for line in lines)
        folder.finish()
        (output / MARKER).unlink()


def _is_finished(folder: WholeFolder, data: bytes) -> bool:
    """Whether a run was killed behind its last step but one; refuses other outputs."""
    output = folder.output
    if is_file(output / MARKER):
        of_this_plan = read_bytes(output / MARKER, "the plan", "delete it") == data
        if of_this_plan and (output / LISTS).exists():
            (output / MARKER).unlink()
            return True
        if not (output / LISTS).exists() and not folder.partial.exists():
            output.rename(folder.partial)  # versions before 0.2 drew in place
            return False
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        what = "the output exists and is not empty"
        raise InputError(what, output, "choose another folder, or delete this one")
    return False
