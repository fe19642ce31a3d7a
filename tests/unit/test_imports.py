"""Who may import whom: tools -> pydrdl -> caffe, and no circle of packages."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Works where pycaffe is not installed.
WITHOUT_CAFFE = (
    "check", "datasets", "logs", "metrics", "protocols", "ranking", "render", "results",
    "verifiers",
)  # fmt: skip
# Packages that know nothing of others: of images on disk, of nets, of files.
APART = {
    "datasets": {"lmdb", "features", "protocols", "results"},
    "protocols": {"datasets", "lmdb", "nets", "results"},
    "metrics": {"datasets", "features", "protocols", "ranking"},
    "report": {"reproduce"},
}


def modules() -> dict[str, Path]:
    """Every module of pydrdl by its dotted name."""
    found = {}
    for path in (ROOT / "pydrdl").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def imports(path: Path) -> set[str]:
    """Modules that a file imports anywhere; of others' packages the first name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{path}:{node.lineno}"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (names & MODULES.keys()) or {node.module}
    return {n if n in MODULES else n.split(".")[0] for n in found}


IMPORTS = {name: imports(path) for name, path in MODULES.items()}


def package(module: str) -> str:
    """The word behind pydrdl; a module at the top counts as a package."""
    return module.split(".")[1] if "." in module else module


def reached(start: str) -> set[str]:
    """All that is imported once a module is, the __init__ of packages included."""
    found: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += IMPORTS.get(name, ())
            if "." in name:
                ahead.append(name.rpartition(".")[0])
    return found


def test_the_package_knows_no_tools() -> None:
    scripts = {path.stem for folder in ("tools", "benchmarks", "tests")
               for path in (ROOT / folder).glob("*.py")}  # fmt: skip
    scripts |= {"tools", "benchmarks", "tests"}
    assert {n: found & scripts for n, found in IMPORTS.items() if found & scripts} == {}
    assert "caffe" in reached("pydrdl.messages")


def test_no_circle_of_packages() -> None:
    graph: dict[str, set[str]] = {}
    for name, found in IMPORTS.items():
        ours = {package(other) for other in found if other.startswith("pydrdl.")}
        graph.setdefault(package(name), set()).update(ours - {package(name)})
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_no_circle_of_modules() -> None:
    graph = {n: {f for f in found if f != n} for n, found in IMPORTS.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


@pytest.mark.parametrize("name", WITHOUT_CAFFE)
def test_needs_no_caffe(name: str) -> None:
    own = [m for m in MODULES if package(m) == name]
    assert own
    assert [m for m in own if "caffe" in reached(m)] == []


@pytest.mark.parametrize("name", APART)
def test_knows_nothing_of(name: str) -> None:
    own = [m for m in MODULES if package(m) == name]
    known = {package(other) for m in own for other in reached(m)}
    assert known & APART[name] == set()
    assert APART[name] <= {package(m) for m in MODULES}
