"""What a tool shows of errors and of text from outside."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import PIPE, Done, Stream, python, tool
from commands import run as run_program

TOOL = """
import sys
from pathlib import Path
import lmdb
from rich.table import Table
from rich.text import Text
from pydrdl import cli

def command(output: Path):
    {body}

cli.run(command)
"""
NAME = "a\x1b[31m\x9b2J\x07\r\u202e\udc80 [bold]b[/x] :smile:"
SHOWN = r"a\x1b[31m\x9b2J\x07\r\u202e\udc80 [bold]b[/x] :smile:"


def run(
    folder: Path,
    body: str,
    *,
    stdout: Stream = PIPE,
    shell: Sequence[str] = (),
    **environment: str,
) -> Done:
    """Runs a tool with this body; its output is folder/out."""
    lines = "\n    ".join(body.strip().splitlines())
    words = *shell, *python(TOOL.format(body=lines)), folder / "out"
    return run_program(*words, stdout=stdout, **environment)


@pytest.mark.parametrize(
    ("error", "what", "where", "helps"),
    [
        ("OSError(28, 'x', 'd/a')", "No space left on device", "d/a", "make room"),
        ("OSError(122, 'x', 'a')", "Disk quota exceeded", "a", "quota"),
        ("OSError(30, 'x', 'a')", "Read-only file system", "a", "read-only"),
        ("PermissionError(13, 'x', 'a')", "Permission denied", "a", "permissions"),
        ("OSError(36, 'x', 'a')", "File name too long", "a", "shorten"),
        ("OSError(24, 'x', 'a')", "Too many open files", "a", "ulimit -n"),
        ("OSError(5, 'x', 'a')", "Input/output error", "a", "dmesg"),
        ("OSError(18, 'x', 'a', None, 'b')", "Invalid cross", "a and b", "in it"),
        ("lmdb.DiskError('broken')", "broken", "", "check"),
        ("MemoryError('2 TiB')", "not enough memory: 2 TiB", "", "--batch"),
        ("RecursionError()", "nested too deeply", "", "JSON"),
        ("RuntimeError(\"can't start new thread\")", "thread", "", "ulimit -u"),
        ("RuntimeError('bad net\\n  where: n:3\\n  next: mend it')", "bad net", "n:3",
         "mend it"),
        ("open('a\\0b')", "null", "", "paths"),
        ("open('\\ud800')", "not UTF-8", r"\ud800", "UTF-8"),
        ("b'\\xff'.decode()", "not UTF-8", "", "UTF-8"),
        ("'é'.encode('ascii')", "this locale (ascii)", "", "LC_ALL=C.UTF-8"),
    ],
)  # fmt: skip
def test_an_error_comes_in_three_parts(
    error: str, what: str, where: str, helps: str, tmp_path: Path
) -> None:
    done = run(tmp_path, f"raise {error}")
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 3
    assert lines[0].startswith("error: ") and what in lines[0]
    assert lines[1].startswith("  where: ") and where in lines[1]
    assert lines[2].startswith("  next: ") and helps in lines[2]


def test_a_fault_of_ours_is_told_as_one(tmp_path: Path) -> None:
    body = "raise KeyError('odd')"
    done = run(tmp_path, body)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 3
    assert done.stderr.startswith("error: a fault of this program, not yours: KeyError")
    told = run(tmp_path, body, DRDL_TRACEBACK="1")
    assert told.returncode == 1 and "Traceback (most recent call last)" in told.stderr
    assert told.stderr.endswith(done.stderr)


@pytest.mark.parametrize(
    "shown",
    [
        "cli.console.print({})",
        "cli.console.print(Text({}))",
        "cli.console.print({}, markup=False, soft_wrap=True)",
        "t = Table('x', {0})\nt.add_row({0}, '')\ncli.console.print(t)",
        "t = Table('x')\nt.add_row(Text({0}))\ncli.console.print(t)",
        "cli.stderr.print({})",
        "raise cli.InputError({0}, {0}, {0})",
        "raise KeyError({})",
        "raise OSError(13, 'x', {})",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_text_from_outside_is_text(shown: str, encoding: str, tmp_path: Path) -> None:
    body = shown.format(ascii(NAME))
    done = run(tmp_path, body, PYTHONIOENCODING=encoding, COLUMNS="300")
    printed = done.stdout + done.stderr
    assert "Traceback" not in printed
    # Text leaves out of itself what it cannot lay out; a cell may break lines.
    name = SHOWN.replace(r"\x07\r", "") if "Text(" in shown else SHOWN
    found = printed.replace("\\\\", "\\")
    assert all(word in found for word in name.split())
    assert not set(printed) & set("\x1b\x9b\x07\r\u202e\udc80")


def test_a_name_that_is_not_utf8_becomes_json(tmp_path: Path) -> None:
    import json

    done = run(tmp_path, "cli.write_json(output, {'a': 'b\\udc80é'})")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out").read_bytes()) == {"a": "b\udc80é"}


def test_a_reader_that_goes_away_ends_nothing(tmp_path: Path) -> None:
    """As `| head -1`: what the command is to write, it writes."""
    reader, writer = os.pipe()
    os.close(reader)
    body = """
for _ in range(100):
    cli.console.print("x" * 1000)
output.write_text("written")
"""
    done = run(tmp_path, body, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out").read_text() == "written"


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = run(tmp_path, "cli.console.print('x')", stdout=full)
    assert done.returncode == 1
    assert done.stderr.splitlines()[:2] == [
        "error: cannot write the output: No space left on device",
        "  where: standard output",
    ]


def test_help_that_cannot_be_written() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = run_program(*tool("eval_cmc.py"), "--help", stdout=full)
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot write the output: No space left")


def test_an_error_that_cannot_be_shown_keeps_its_code(tmp_path: Path) -> None:
    shell = ("sh", "-c", '"$@" 2>/dev/full', "sh")
    assert run(tmp_path, "raise OSError(28, 'x')", shell=shell).returncode == 1


def test_a_huge_name_is_cut(tmp_path: Path) -> None:
    done = run(tmp_path, "raise cli.InputError('x' * 10**6, 'y' * 10**6, 'z')")
    assert done.returncode == 1 and len(done.stderr) < 20_000
    assert done.stderr.endswith("\n  next: z\n")
