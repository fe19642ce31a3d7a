"""How tests are run: one way to start processes, warnings are errors, true marks."""

import ast
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import ROOT, TimeoutExpired, python, run, run_tool

TESTS = ROOT / "tests"
MODULES = [
    path
    for path in sorted(TESTS.rglob("*.py"))
    # The fuzzer is a program of its own; its servers take what would end a test.
    if path.relative_to(TESTS).parts[0] != "fuzz" and path.name != "commands.py"
]
# All in tests/caffe need it.
OUTSIDE = [
    path for path in MODULES if path.parent.name in ("unit", "commands", "render")
]
CAFFE = {"caffe", "helpers", "small_net", "crash_server"}
STARTERS = {"subprocess", "os.system", "os.popen", "os.fork", "os.posix_spawn", "pty"}
FORKS = {"crash_server.py"}  # a tool that forks; it runs as a process of its own


def started(path: Path) -> set[str]:
    """The names of what starts processes that a module imports or calls."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.add(f"{node.value.id}.{node.attr}")
    return found & STARTERS


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_processes_start_in_one_place(path: Path) -> None:
    if path.name not in FORKS:
        assert started(path) == set(), "use tests/support/commands.py"


def test_what_starts_processes_is_found(tmp_path: Path) -> None:
    path = tmp_path / "test_a.py"
    path.write_text("import os\nfrom subprocess import run\n\nos.system('true')\n")
    assert started(path) == {"subprocess", "os.system"}


def test_a_warning_is_an_error() -> None:
    with pytest.raises(DeprecationWarning):
        warnings.warn("of long ago", DeprecationWarning, stacklevel=1)


def test_a_command_that_warns_fails() -> None:
    code = "import warnings; warnings.warn('of a command')"
    done = run(*python(code))
    assert done.returncode == 1 and "UserWarning: of a command" in done.stderr
    assert run_tool("eval_cmc.py", "--help").returncode == 0


def test_a_command_that_hangs_is_ended() -> None:
    with pytest.raises(TimeoutExpired):
        run(sys.executable, "-c", "import time; time.sleep(60)", timeout=0.2)


def needs_caffe(path: Path) -> Iterator[tuple[str, bool]]:
    """Functions of a module that cannot run without Caffe, and whether they say so.

    The module itself, called "", where what it imports skips without Caffe.
    """
    body = ast.parse(path.read_text()).body
    marks = [ast.unparse(n) for n in body if isinstance(n, ast.Assign)]
    imports = [n for n in body if not isinstance(n, ast.FunctionDef | ast.ClassDef)]
    if any(map(skips_without_caffe, imports)):
        yield "", "pytestmark = pytest.mark.caffe" in marks
        return
    for node in body:
        if isinstance(node, ast.FunctionDef) and skips_without_caffe(node):
            marked = "pytest.mark.caffe" in map(ast.unparse, node.decorator_list)
            yield node.name, marked


def skips_without_caffe(node: ast.AST) -> bool:
    """Whether something in it imports caffe, or what skips where there is none."""
    for part in ast.walk(node):
        names = []
        if isinstance(part, ast.Import):
            names = [alias.name for alias in part.names]
        elif isinstance(part, ast.ImportFrom):
            names = [str(part.module)]
        elif isinstance(part, ast.Call) and "importorskip" in ast.unparse(part.func):
            names = [ast.unparse(part.args[0]).strip("'")]
        if CAFFE & {name.split(".")[0] for name in names}:
            return True
    return False


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: path.name)
def test_what_needs_caffe_says_so(path: Path) -> None:
    assert [name for name, said in needs_caffe(path) if not said] == []


def test_what_needs_caffe_is_found(tmp_path: Path) -> None:
    path = tmp_path / "test_a.py"
    path.write_text(
        "def test_b():\n    import caffe\n\ndef test_c():\n    import cv2\n"
    )
    assert list(needs_caffe(path)) == [("test_b", False)]
    path.write_text("from helpers import Fleet\npytestmark = pytest.mark.caffe\n")
    assert list(needs_caffe(path)) == [("", True)]
