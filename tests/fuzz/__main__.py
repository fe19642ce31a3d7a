"""The command: damages files, prints what became of them; see the package's head."""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:1] = [str(TESTS), str(TESTS / "support")]  # fuzz is a package

from fuzz.command import main

if __name__ == "__main__":
    main()
