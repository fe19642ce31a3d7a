"""tools/setup.sh says what is wrong in three parts, and stops there."""

import shutil
from pathlib import Path

import pytest
from commands import ROOT, Done, run

PARTS = ("error: ", "\n  where: ", "\n  next: ")


def setup(place: Path, *words: str, **environment: str) -> Done:
    (place / "tools").mkdir()
    for name in ("tools/setup.sh", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, place / name)
    return run(place / "tools/setup.sh", *words, PYTHONWARNINGS="", **environment)


def test_what_is_no_preset_is_wrong_use(tmp_path: Path) -> None:
    done = setup(tmp_path, "gpu")
    assert done.returncode == 2 and not (tmp_path / ".venv").exists()
    assert all(part in done.stderr for part in PARTS)


@pytest.mark.skipif(not (ROOT / ".venv/preset").exists(), reason="setup.sh has not run")
def test_packages_that_cannot_be_had_are_said(tmp_path: Path) -> None:
    done = setup(tmp_path, "cpu", PIP_INDEX_URL="http://127.0.0.1:9/", PIP_RETRIES="0",
                 PIP_NO_CACHE_DIR="1")  # fmt: skip
    assert done.returncode == 1 and "done" not in done.stdout
    assert "error: Python packages could not be installed" in done.stderr
    assert all(part in done.stderr for part in PARTS)
    assert not (tmp_path / ".venv/setup.stamp").exists()
