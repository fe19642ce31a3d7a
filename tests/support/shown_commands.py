"""The commands that the documents show, and whether they can be what they say."""

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import typer
from commands import ROOT

from pydrdl.commands import drdl

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "models").glob("*.md")),
]
# Blocks that say what language they are in hold no commands, but for a shell's.
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"(?<=\n\n)((?: {4}\S.*\n(?: {4}.*\n)*)+)")
_LIST = re.compile(r"^(?:[-*]|\d+\.) ", re.MULTILINE)
_SPAN = re.compile(r"`((?:(?:drdl|python) |tools/)[^`]*)`")
# Programs that are not of this project; what they are given is not looked at.
OTHERS = {
    ".", "apptainer", "apt-get", "cd", "cmake", "curl", "dask", "debootstrap", "do",
    "docker", "done", "export", "for", "git", "grep", "mkdocs", "mount", "pip",
    "pre-commit", "pytest", "set", "source", "time",
}  # fmt: skip


class Shown(NamedTuple):
    """A command of a block."""

    document: str  # relative to the project
    block: int  # of the document, from 0
    text: str  # on one line


def blocks(path: Path) -> list[str]:
    """The blocks of a document that hold commands, in their order."""
    text = path.read_text()
    fenced = [(m.start(), m[2]) for m in _FENCED.finditer(text) if m[1] in ("", "sh")]
    rest = _FENCED.sub(lambda m: "x" * len(m[0]), text)
    indented = [(m.start(), m[1]) for m in _INDENTED.finditer(rest)]
    return [re.sub("^    ", "", b, flags=re.M) for _, b in sorted(fenced + indented)]


def shown(path: Path) -> Iterator[Shown]:
    """The commands of a document's blocks."""
    name = path.relative_to(ROOT).as_posix()
    for number, block in enumerate(blocks(path)):
        for line in block.replace("\\\n", " ").splitlines():
            words = line.split("#")[0].split() if "#" in line else line.split()
            if words:
                yield Shown(name, number, " ".join(words))


def spans(path: Path) -> Iterator[str]:
    """Commands within a document's sentences, often parts of one."""
    text = _FENCED.sub("", path.read_text())
    for match in _SPAN.finditer(text):
        yield " ".join(match[1].split())


def fault(command: str, *, whole: bool = True) -> str:
    """Why a command cannot be given as it stands; empty where it can.

    Args:
        command: on one line.
        whole: whether it must have all that it needs; else only its options are held
            against those that there are.
    """
    if command.split()[0] in OTHERS:
        return ""
    words = shlex.split(re.sub(r"\d?>{1,2}\s*\S+|&\s*$|\|.*$", "", command))
    while re.match(r"\w+=", words[0]):
        words = words[1:]
    if words[0] in OTHERS:
        return ""
    if words[0] == "caffe":
        return _fault_of_caffe(words[1:])
    if words[:1] == ["drdl"]:
        return _of_several(_drdl(), words[1:], whole)
    script = words[1] if words[0] == "python" and len(words) > 1 else words[0]
    rest = words[2:] if words[0] == "python" else words[1:]
    if script.startswith("gpu_kit/"):  # as the kit is unpacked
        script = f"tools/{script}"
    if not (ROOT / script).exists():
        return f"there is no {script}"
    if re.fullmatch(r"tools/\w+\.py", script):
        return _of_several(_of_tool(ROOT / script), rest, whole)
    return _fault_of_script(ROOT / script, rest)


@cache
def _drdl() -> dict[str, Any]:
    return {function.__name__.replace("_", "-"): _parser(function)
            for function in drdl.COMMANDS}  # fmt: skip


def _parser(function: Any) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(function)
    return typer.main.get_command(app)


def _of_tool(path: Path) -> dict[str, Any]:
    """The commands that a script of tools/ offers."""
    calls = [
        n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)
    ]
    (names,) = [
        [ast.literal_eval(argument) for argument in call.args[1:]]
        for call in calls
        if getattr(call.func, "id", getattr(call.func, "attr", "")) == "tool"
    ]
    known = {name.replace("_", "-") for name in names}
    return {name: parser for name, parser in _drdl().items() if name in known}


def _of_several(parsers: dict[str, Any], words: list[str], whole: bool) -> str:
    """What is wrong with the words of one of several commands, or of the only one."""
    if len(parsers) == 1 and (not words or words[0] not in parsers):
        ((name, parser),) = parsers.items()
    elif not words or words[0].startswith("-"):
        return "" if not whole or words in (["--help"], []) or words[0] in (
            "--install-completion") else f"no command in {words}"  # fmt: skip
    elif words[0] not in parsers:
        return f"no command {words[0]!r}"
    else:
        name, parser, words = words[0], parsers[words[0]], words[1:]
    if "..." in words:  # others, said before
        whole, words = False, [word for word in words if word != "..."]
    if whole:
        try:
            parser.make_context(name, list(words))
        except typer.exceptions.TyperException as error:
            return str(error.format_message())
        except SystemExit:
            return ""
        return ""
    known = {option for param in parser.params for option in param.opts}
    known |= {option for param in parser.params for option in param.secondary_opts}
    given = {word.split("=")[0] for word in words if word.startswith("--")}
    return "".join(f"no option {option}" for option in given - known - {"--help"})


def _fault_of_script(path: Path, words: list[str]) -> str:
    """Of a script whose options only its own text knows."""
    files = sorted(path.glob("*.py")) if path.is_dir() else [path]
    text = "".join(file.read_text() for file in files)
    for word in words:
        name = word.split("=")[0]
        spelt = name.removeprefix("--no-").removeprefix("--").replace("-", "_")
        if word.startswith("--") and not re.search(rf"\b{spelt}\b|{name}\b", text):
            return f"no option {name}"
    return ""


def _fault_of_caffe(words: list[str]) -> str:
    """Of the caffe command, by the source it is built from, where that is."""
    source = ROOT / "build/cpu/caffe-source/tools/caffe.cpp"
    if not words or not source.exists():
        return "" if words else "no action"
    text = source.read_text()
    known = set(re.findall(r"DEFINE_\w+\((\w+),", text))
    actions = set(re.findall(r"RegisterBrewFunction\((\w+)\)", text))
    if words[0] not in actions:
        return f"no action {words[0]!r}"
    given = {w[2:].split("=")[0] for w in words if w.startswith("--")}
    return "".join(f"no option --{name}" for name in given - known)
