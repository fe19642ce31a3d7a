"""The pages of the Python API: a page each package, made of docstrings."""

import ast
from pathlib import Path

# What is no one's to call: the commands, which have a page of their own, and what
# serves one page or one command alone.
LEFT_OUT = {"commands", "reproduce", "report", "cli", "start", "signals"}
SUMMARY = "# Python API\n\n`import pydrdl.PACKAGE`; the parts of `pydrdl`:\n\n"


def pages(root: Path) -> dict[str, str]:
    """Their Markdown, by where they stand on the site."""
    made: dict[str, str] = {}
    alone: list[Path] = []
    rows: list[str] = []
    for path in sorted((root / "pydrdl").iterdir()):
        if path.stem in LEFT_OUT or path.stem.startswith("_"):
            continue
        if path.is_dir() and (path / "__init__.py").exists():
            modules = sorted(path.glob("*.py"), key=lambda p: p.stem)
            made[f"api/{path.name}.md"] = _page(root, path.name, modules)
            first = _docstring(path / "__init__.py").splitlines()[0]
            rows.append(f"| [{path.name}]({path.name}.md) | {first} |")
        elif path.suffix == ".py":
            alone.append(path)
    made["api/modules.md"] = _page(root, "Single modules", alone)
    rows.append("| [Single modules](modules.md) | What stands beside the packages. |")
    table = "| | |\n| --- | --- |\n" + "\n".join(rows) + "\n"
    made["api/index.md"] = SUMMARY + table
    return made


def _page(root: Path, title: str, modules: list[Path]) -> str:
    names = [
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for path in modules
    ]
    return f"# {title}\n\n" + "\n\n".join(f"::: {name}" for name in names) + "\n"


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "\n"
