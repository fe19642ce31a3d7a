"""The packages of the extra `search`, or one message where they are not installed."""

import os
from types import ModuleType

from pydrdl.errors import InputError


def import_lancedb() -> ModuleType:
    """LanceDB, which is an extra.

    Raises:
        InputError: it is not installed.
    """
    # That a table is made for the first time is nothing to warn of.
    os.environ.setdefault("LANCEDB_LOG", "error")
    try:
        import lancedb
        import pyarrow
    except ImportError as error:
        raise _missing(error) from error
    del pyarrow
    module: ModuleType = lancedb
    return module


def import_pymilvus() -> ModuleType:
    """Milvus's client, which is an extra of its own.

    Raises:
        InputError: it is not installed.
    """
    try:
        import pymilvus
    except ImportError as error:
        raise InputError(
            f"Milvus needs packages that are not installed ({error.name})",
            "the extra `milvus`",
            "run tools/setup.sh, or: pip install 'pydrdl[milvus]'",
        ) from error
    module: ModuleType = pymilvus
    return module


def import_server() -> None:
    """What the server needs of the same extra.

    Raises:
        InputError: it is not installed.
    """
    try:
        import fastapi
        import python_multipart
        import uvicorn
    except ImportError as error:
        raise _missing(error) from error
    del fastapi, python_multipart, uvicorn


def _missing(error: ImportError) -> InputError:
    return InputError(
        f"vehicle search needs packages that are not installed ({error.name})",
        "the extra `search`",
        "run tools/setup.sh, or: pip install 'pydrdl[search]'",
    )
