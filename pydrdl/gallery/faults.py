"""What LanceDB says of faults, in words that help; its own name its sources."""

import re
from pathlib import Path

# What it says where the system refuses, and what to do; nothing of the gallery is
# lost then.
OF_THE_SYSTEM = {
    "No space left on device": "make room on its file system, then repeat",
    "Disk quota exceeded": "make room within your quota, then repeat",
    "Read-only file system": "copy the gallery to a file system that can be written",
    "Permission denied": "have the permissions of the folder changed (ls -ld)",
    "Too many open files": "raise the limit of open files (ulimit -n)",
    "File too large": "raise the limit of a file's size (ulimit -f)",
}
# What it says of files that are damaged, and what that is to a user.
_OF_DAMAGE = {
    "failed to fill whole buffer": "a file is cut off",
    "file size is too small": "a file is cut off",
    "Invalid range": "a file is cut off",
    "does not appear to be a Lance file": "a file is none of its own",
    "panicked": "values do not fit together",
    "Table 'rows' was not found": "its table is not there",
}
_SOURCE = re.compile(r",? ?\S+\.rs:\d+(:\d+)?")  # a line of its sources
_NESTED = re.compile(
    r"(lance error|LanceError\(\w+\)|Wrapped error|Generic \S+ error|Execution error"
    r"|External error): "
)
_GONE = re.compile(r"Not found: (\S*?)/?(rows\.lance/[\w./-]+)")


def plain(error: BaseException, folder: Path) -> str:
    """What is damaged, in a line that names no file but of the gallery's.

    Args:
        error: what LanceDB has raised.
        folder: the gallery's.
    """
    text = " ".join(str(error).split())
    if found := _GONE.search(text):
        return f"{found[2]} is gone"
    for words, told in _OF_DAMAGE.items():
        if words in text:
            return told
    text = _NESTED.sub("", _SOURCE.sub("", text))
    for path in (str(folder.absolute()), str(folder.absolute()).lstrip("/")):
        text = text.replace(f"{path}/", "").replace(path, "the folder")
    return text.strip(" ,") or type(error).__name__
