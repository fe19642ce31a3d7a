"""Nothing is imported from the folder that a user happens to stand in.

A Python that is started with -c or - looks for modules there first: what lies
there, a dump.py, say, or what somebody else put into a shared folder, would run.
"""

import ast
import re
import sys
from pathlib import Path

import pytest
from commands import ROOT, python, run, run_tool
from dataset_layouts import LAYOUTS

OTHERS = (
    "caffe", "cv2", "google", "h5py", "jinja2", "lmdb", "matplotlib", "numpy", "pydrdl",
    "rich", "scipy", "sklearn", "threadpoolctl", "typer",
)  # fmt: skip
# Where our own code starts other processes.
SOURCES = sorted(
    path for name in ("pydrdl", "tools", "benchmarks")
    for path in (ROOT / name).rglob("*.py")
)  # fmt: skip
STARTERS = {"ProcessPoolExecutor", "get_context", "multiprocessing.Pool", "Process"}


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder with a module of every name, each of which tells that it ran."""
    folder = tmp_path / "here"
    folder.mkdir()
    for name in (*sys.stdlib_module_names, *OTHERS):
        (folder / f"{name}.py").write_text(
            f"open({str(tmp_path / 'taken')!r}, 'a').write('{name} ')\n"
        )
    return folder


def test_the_trap_works(trap: Path) -> None:
    run(sys.executable, "-c", "import lmdb", cwd=trap)
    assert "lmdb" in (trap.parent / "taken").read_text().split()


@pytest.mark.caffe
def test_tools_import_nothing_from_it(trap: Path) -> None:
    """Those that start processes: to read an LMDB, to draw, to ask for a GPU."""
    data, lmdb = trap.parent / "data", trap.parent / "lmdb"
    LAYOUTS["VehicleID"](data)
    for words in (
        ("build_lmdb.py", data, lmdb, "--split", "train"),
        ("verify_lmdb.py", lmdb),
        ("make_nets.py", "--output", "nets", "--train", lmdb),
        ("render_vehicleid.py", "drawn", "--preset", "mini", "--models", 3,
         "--vehicles", 4, "--test-vehicles", 3, "--images", 2, "--workers", 2),
        ("gradcheck.py", "--layer", "L2Normalize"),
    ):  # fmt: skip
        done = run_tool(str(words[0]), *words[1:], cwd=trap)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not (trap.parent / "taken").exists(), words


def test_steps_import_nothing_from_it(trap: Path) -> None:
    code = """
import sys
from pathlib import Path
from pydrdl.reproduce.runner import run_steps
from pydrdl.reproduce.steps import Step
work = Path(sys.argv[1])
tool = work.parent / "tool.py"
tool.write_text("import json, sys; open(sys.argv[1], 'w').write('made')")
run_steps([Step("a", ("python", str(tool), str(work / "a")), work / "a")], work)
"""
    done = run(*python(code), trap.parent / "work", cwd=trap)
    assert done.returncode == 0, done.stderr
    assert (trap.parent / "work/a").read_text() == "made"
    assert not (trap.parent / "taken").exists()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_interpreters_are_started_in_one_place(path: Path) -> None:
    """pydrdl/parallel.py is it; a script of ours, by its path, is no danger."""
    if path.name == "parallel.py":
        return
    tree = ast.parse(path.read_text())
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not named & STARTERS
    for node in ast.walk(tree):
        if isinstance(node, ast.List | ast.Tuple) and node.elts:
            words = [ast.unparse(item) for item in node.elts]
            if "executable" in words[0] or "python" in words[0]:
                assert "'-P'" in words or not {"'-c'", "'-m'", "'-'"} & set(words)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tools").glob("*.sh")), ids=lambda path: path.stem
)
def test_scripts_start_interpreters_with_a_file(path: Path) -> None:
    for line in path.read_text().splitlines():
        if re.search(r"python[0-9.]*\b\S*\s+-", line.partition("#")[0]):
            assert re.search(r"python[0-9.]*\b\S*\s+-(P|I)", line), line
