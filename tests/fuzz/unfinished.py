"""Runs a tool as if it were killed before its last step; see the corpus.

python unfinished.py build_lmdb.py list.txt half ...
"""

import runpy
import sys
from pathlib import Path
from typing import NoReturn

from commands import ROOT

from pydrdl.features import extract
from pydrdl.folders import WholeFolder


def killed(*_: object, **__: object) -> NoReturn:
    """In place of the last step."""
    sys.exit(0)


if __name__ == "__main__":
    WholeFolder.finish = killed  # type: ignore[method-assign]
    extract.write_in_pieces = killed
    tool = ROOT / "tools" / sys.argv[1]
    sys.argv = [str(tool), *sys.argv[2:]]
    sys.path.insert(0, str(Path(tool).parent))
    runpy.run_path(str(tool), run_name="__main__")
