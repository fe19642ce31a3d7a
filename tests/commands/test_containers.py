"""The Dockerfile and Apptainer's recipe: in order, alike, and only what can be tried.

What they install is tried by tools/container/try_in_root.py, which takes long.
"""

import os
import re
import sys
from pathlib import Path

import pytest
from commands import ROOT, run

FOLDER = ROOT / "tools/container"
sys.path.append(str(FOLDER))
import dockerfile

HADOLINT = Path(sys.executable).with_name("hadolint")


def test_hadolint_finds_nothing() -> None:
    done = run(HADOLINT, ROOT / "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_hadolint_finds_faults(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text("FROM debian\nRUN cd / && apt-get install gcc\n")
    done = run(HADOLINT, path)
    assert done.returncode == 1 and "DL3006" in done.stdout


def test_apptainer_takes_the_same_steps() -> None:
    recipe = (ROOT / "apptainer.def").read_text()
    (post,) = re.findall(r"^%post.*\n((?: {4}.*\n)+)", recipe, re.MULTILINE)
    lines = [line.strip() for line in post.splitlines()]
    runs = [r for r in dockerfile.runs(ROOT / "Dockerfile") if "useradd" not in r]
    assert len(runs) >= 4 and lines[-len(runs) :] == runs
    steps = dockerfile.steps(ROOT / "Dockerfile")
    base, *_ = (step.text for step in steps if step.name == "FROM")
    assert f"From: {base}\n" in recipe
    for step in steps:
        if step.name == "ENV":
            assert recipe.count(f"export {step.text}\n") >= 1
        if step.name == "ARG":
            assert f"    {step.text}\n" in recipe
    left_out = (ROOT / ".dockerignore").read_text().split()
    deleted = next(line for line in lines if line.startswith("rm -rf"))
    assert set(deleted.split()[2:]) <= set(left_out)


def test_what_is_copied_is_in_the_project() -> None:
    for step in dockerfile.steps(ROOT / "Dockerfile"):
        if step.name == "COPY":
            for source in step.text.split()[:-1]:
                assert (ROOT / source).exists()


@pytest.mark.parametrize(
    "text",
    ["", "RUN true\n", "FROM a\nHEALTHCHECK NONE\n", "FROM a\nrun true\n"],
)
def test_what_cannot_be_tried_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(text)
    with pytest.raises(ValueError, match=str(path)):
        dockerfile.steps(path)


def test_steps_are_read(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text('# a\nFROM a\n\nRUN one \\\n  two\nCMD ["b", "c d"]\n')
    assert dockerfile.steps(path) == [
        (2, "FROM", "a"), (4, "RUN", "one   two"), (6, "CMD", '["b", "c d"]'),
    ]  # fmt: skip
    assert dockerfile.words_of('["b", "c d"]') == ["b", "c d"]


def try_in(root: Path) -> tuple[int, str]:
    done = run(sys.executable, FOLDER / "try_in_root.py", root)
    return done.returncode, done.stderr


def test_a_folder_without_a_system_is_refused(tmp_path: Path) -> None:
    code, said = try_in(tmp_path)
    assert code == 1 and "no Debian is here" in said and "next: debootstrap" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")
def test_a_step_that_fails_ends_it(tmp_path: Path) -> None:
    """In a system without a shell the first RUN fails."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/debian_version").write_text("12\n")
    code, said = try_in(tmp_path)
    assert code == 1
    assert "a step ended with" in said and "where: Dockerfile:" in said
    assert (tmp_path / "opt/drdl/tools/container/cuda.sh").exists()
