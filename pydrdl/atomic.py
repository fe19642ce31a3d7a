"""Names that moved to pydrdl/files.py, until all who use them know it."""

from pydrdl.files import (
    final_name,
    refuse_existing,
    renamed,
    sync,
    whole_file,
    write_bytes,
    write_text,
    write_texts,
)

__all__ = [
    "final_name", "refuse_existing", "renamed", "sync", "whole_file", "write_bytes",
    "write_text", "write_texts",
]  # fmt: skip
