"""LanceDB's errors in plain words, without the places of its sources."""

import re
from pathlib import Path

import pytest

from pydrdl.gallery.faults import plain

# As LanceDB 0.40 has said them, but for the folder that it was built in.
REGISTRY = "/home/builder/registry/src/index-1949cf8c6b5b557f"
RUSTC = "/rustc/2d8144b7880597b6e6d3dfd63a9a9efae3f533d3/library/core/src"
SAID = {
    f"lance error: Not found: data/g/rows.lance/data/1011df.lance, {REGISTRY}"
    "/lance-io-13.0.0/src/local.rs:273:40": "rows.lance/data/1011df.lance is gone",
    "lance error: LanceError(IO): Generic LocalFileSystem error: failed to fill whole "
    f"buffer, {RUSTC}/ops/function.rs:250:5": "a file is cut off",
    'task 1277 panicked with message "range end index 2560 out of range for slice of '
    'length 0"': "values do not fit together",
    "lance error: LanceError(IO): Generic N/A error: Wrapped error: Not found: Wrapped "
    "error: Not found: /data/g/rows.lance/_indices/f236-3d/page_lookup.lance, "
    f"{RUSTC}/result.rs:1896:29, {RUSTC}/result.rs:1896:29": (
        "rows.lance/_indices/f236-3d/page_lookup.lance is gone"
    ),
    "lance error: LanceError(IO): failed to decode Protobuf message: invalid tag "
    f"value: 0, {REGISTRY}/lance-file-13.0.0/src/reader.rs:943:31": (
        "failed to decode Protobuf message: invalid tag value: 0"
    ),
    "Wrapped error: something at /data/g/lock\nand more": "something at lock and more",
    "": "OSError",
}


@pytest.mark.parametrize("text", SAID)
def test_what_it_says_is_told(text: str) -> None:
    told = plain(OSError(text), Path("/data/g"))
    assert told == SAID[text]
    assert not re.search(r"\.rs\b|/data/g", told)
