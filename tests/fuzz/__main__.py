"""The command: damages files, prints what became of them; see the package's head."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # not this folder: fuzz is a package

from fuzz.command import main

if __name__ == "__main__":
    main()
