"""Whether two files are the same one."""

import hashlib
import io
from pathlib import Path
from typing import cast

from pydrdl.files import open_bytes


def file_sha256(path: Path, what: str = "a file") -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        InputError: it cannot be read.
    """
    with open_bytes(path, what, "check the path") as file:
        content = cast(io.BufferedReader, file)
        return hashlib.file_digest(content, "sha256").hexdigest()
