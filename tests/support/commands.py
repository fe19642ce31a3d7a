"""How tests start the tools, as a user does; nothing here needs Caffe."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_tool(
    name: str, *arguments: object, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs tools/<name> on this checkout's package, 80 columns wide."""
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"} | environment,
    )


def succeed(name: str, *arguments: object, cwd: Path | None = None) -> str:
    """Runs a tool that must end well; returns what it printed."""
    done = run_tool(name, *arguments, cwd=cwd)
    assert done.returncode == 0, f"{name}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout
