"""`drdl`: the commands in one list, completed by a shell, and told at once."""

import sys
from pathlib import Path

import pytest
from commands import ROOT, Done
from commands import run as run_program
from typer.completion import get_completion_script

from pydrdl.commands import drdl

# What takes long to import; a command does so when it works.
HEAVY = ("caffe", "cv2", "google.protobuf", "h5py", "jinja2", "lmdb", "matplotlib",
         "numpy", "pydantic", "scipy", "sklearn")  # fmt: skip
NAMES = [command.__name__.replace("_", "-") for command in drdl.COMMANDS]
# As the console script that is installed, and then says what was imported.
SCRIPT = f"""
import atexit, sys
found = lambda: [name for name in {HEAVY} if name in sys.modules]
atexit.register(lambda: print("imported:", *found(), file=sys.stderr))
from pydrdl.commands import main
main()
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bin") / "drdl"
    path.write_text(SCRIPT)
    return path


def run(program: Path, *words: str, **environment: str) -> Done:
    fixed = {"LC_ALL": "C.UTF-8"}
    return run_program(sys.executable, program, *words, **fixed | environment)


def test_the_list_says_of_every_command_what_it_does(program: Path) -> None:
    done = run(program, "--help")
    assert done.returncode == 0
    listed = done.stdout.split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in listed] == NAMES
    for line in listed:
        assert len(line) <= 80
        assert line.endswith(".") and not line.endswith("..."), line


@pytest.mark.parametrize("words", [(), ("train",), ("report",)])
def test_help_imports_nothing_that_takes_long(
    program: Path, words: tuple[str, ...]
) -> None:
    """All commands' modules are imported for each of them."""
    done = run(program, *words, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(" ".join(["Usage: drdl", *words, "[OPTIONS]"]))
    assert done.stderr == "imported:\n"


@pytest.mark.parametrize("name", ["train", "dataset"])
def test_so_does_the_help_of_a_tool(name: str, tmp_path: Path) -> None:
    watched = tmp_path / f"{name}.py"
    head = SCRIPT.split("from pydrdl")[0]
    watched.write_text(head + (ROOT / f"tools/{name}.py").read_text())
    done = run(watched, "--help")
    assert done.returncode == 0
    assert done.stderr == "imported:\n"


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_a_shell_is_given_its_completion(program: Path, shell: str) -> None:
    done = run(program, "--show-completion", shell)
    assert done.returncode == 0
    assert done.stdout.strip() == get_completion_script(
        prog_name="drdl", complete_var="_DRDL_COMPLETE", shell=shell
    )


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("drdl eval", {"eval-cmc", "eval-map", "eval-verification"}),
        ("drdl train --w", {"--weights"}),
        ("drdl reproduce --preset ", {"mini", "demo", "larger", "paper"}),
    ],
)
def test_bash_completes(program: Path, words: str, found: set[str]) -> None:
    last = len(words.split(" ")) - 1
    done = run(
        program, _DRDL_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(last)
    )
    assert set(done.stdout.split()) == found
