"""What lies at a path; a path that cannot be looked at is an InputError.

Path.exists() and its like raise PermissionError below a folder that may not be
entered, and OSError for a name that is too long.
"""

import errno
import os
import stat
from pathlib import Path

from pydrdl.system_errors import cannot_read, number_of

# Nothing is there; as Path.exists() sees it, but for a circle of links.
_ABSENT = {errno.ENOENT, errno.ENOTDIR}


def exists(path: Path) -> bool:
    """Whether anything is there.

    Raises:
        InputError: the path cannot be looked at.
    """
    return _look(path) is not None


def is_file(path: Path) -> bool:
    """Whether a regular file is there.

    Raises:
        InputError: the path cannot be looked at.
    """
    found = _look(path)
    return found is not None and stat.S_ISREG(found.st_mode)


def is_folder(path: Path) -> bool:
    """Whether a folder is there.

    Raises:
        InputError: the path cannot be looked at.
    """
    found = _look(path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def files_in(folder: Path, pattern: str) -> list[Path]:
    """The paths in a folder that match, such as "*.txt", by name.

    None where there is no such folder.

    Raises:
        InputError: the folder cannot be listed.
    """
    if not is_folder(folder):
        return []
    try:
        # glob() would find nothing where a folder may not be listed.
        found = list(Path(folder).iterdir())
    except OSError as error:
        raise cannot_read(
            "a folder", folder, error, "check that it is whole and the path is right"
        ) from error
    return sorted(path for path in found if path.match(pattern))


def _look(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, UnicodeEncodeError) as error:
        if number_of(error) not in _ABSENT:
            raise cannot_read("a file or folder", path, error, "check it") from error
        return None
    except ValueError:  # a null character, which no name has
        return None
