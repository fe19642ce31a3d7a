"""What stands at an output already is replaced only where --overwrite says so."""

from collections.abc import Mapping
from pathlib import Path

from pydrdl import atomic, files, paths
from pydrdl.errors import InputError
from pydrdl.system_errors import writing


def refuse_existing(path: Path, *, overwrite: bool = False) -> None:
    """Refuses a file to make that is there, or has no folder to lie in.

    Args:
        path: the file.
        overwrite: whether a file that is there may be replaced.

    Raises:
        InputError: as said.
    """
    if paths.is_folder(path):
        raise InputError("the output is a folder", path, "name a file in it")
    if paths.exists(path) and not overwrite:
        raise InputError("the output exists", path, "delete it, or pass --overwrite")
    if not paths.is_folder(path.parent):
        raise InputError("no such folder", path.parent, "make it, or name another")


def write_texts(
    content: Mapping[Path, bytes], what: str, *, overwrite: bool = False
) -> None:
    """Writes files that are often edited by hand, and the folders that they lie in.

    Files that are there and are the same stay.

    Args:
        content: of each file.
        what: they are, such as "the nets".
        overwrite: replace files that differ.

    Raises:
        InputError: a file is there and differs, or cannot be written.
    """
    differing = [path for path, data in content.items() if _differs(path, data)]
    if differing and not overwrite:
        raise InputError(
            f"{len(differing)} of the {len(content)} files to write are there and "
            "differ, as where they were edited",
            differing[0],
            "pass --overwrite to replace them, or name another output",
        )
    for path, data in content.items():
        with writing(what, path):
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_bytes(path, data)


def _differs(path: Path, data: bytes) -> bool:
    if not paths.is_file(path):
        return False
    return files.read_bytes(path, "an earlier output", "delete it") != data
