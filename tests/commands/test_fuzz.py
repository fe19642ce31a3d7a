"""Damaged files are refused in words: a short run of tests/fuzz, with fixed seeds."""

import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("caffe", reason="pycaffe is not installed")

from fuzz.campaign import Campaign, Case, Server, spoil
from fuzz.corpus import make_corpus
from fuzz.server import Request
from fuzz.target import Target
from fuzz.targets import TARGETS
from fuzz.verdict import RIGHT, Verdict, judge

pytestmark = pytest.mark.caffe

REFUSAL = "error: no such file\n  where: a.h5\n  next: give another\n"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_corpus(tmp_path_factory.mktemp("corpus") / "files")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def test_no_damage_ends_a_command_otherwise_than_in_words(
    corpus: Path, tmp_path: Path
) -> None:
    """One damage for each file and command; `python tests/fuzz` runs many more."""
    cases = [Case(target, seed=1, number=0) for target in TARGETS]
    outcomes = list(Campaign(corpus, tmp_path, servers=2).run(cases))
    assert len(outcomes) == len(TARGETS)
    faults = [o for o in outcomes if o.verdict not in RIGHT]
    shown = [f"{o.verdict}: {o.case.name}\n{o.output[-800:]}" for o in faults]
    assert not faults, "\n\n".join(shown)
    refused = sum(o.verdict is Verdict.refused for o in outcomes)
    assert len(TARGETS) / 3 < refused < len(TARGETS)


@pytest.mark.parametrize(
    ("code", "output", "verdict"),
    [
        (0, "done\n", Verdict.accepted),
        (1, REFUSAL, Verdict.refused),
        (
            2,
            "Usage: a.py [OPTIONS]\nTry it\n\nError: no such option\n",
            Verdict.refused,
        ),
        (1, "error: no such file\n", Verdict.unexplained),
        (0, "a\x1b[31m\n", Verdict.escapes),
        (1, "Traceback (most recent call last)\n", Verdict.traceback),
        (1, REFUSAL.replace("no such", "a fault of this program"), Verdict.traceback),
        (-11, "", Verdict.signal),
        (134, REFUSAL, Verdict.signal),
        (1, "*** Check failure stack trace: ***", Verdict.signal),
    ],
)
def test_verdicts(code: int, output: str, verdict: Verdict) -> None:
    assert judge(code, output, timed_out=False) is verdict


def test_more_verdicts() -> None:
    assert judge(0, "", timed_out=True) is Verdict.hang
    assert judge(0, "", timed_out=False, peak=1 << 40) is Verdict.memory
    assert judge(1, "2 faults\n", timed_out=False, checks=True) is Verdict.refused


def test_names_tell_targets_apart() -> None:
    assert len({target.name for target in TARGETS}) == len(TARGETS)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_damage_is_a_function_of_the_seed(
    corpus: Path, tmp_path: Path, target: Target
) -> None:
    """And each way changes the file."""
    whole = corpus / target.file
    made = []
    for number in (0, 0, 1):
        folder = tmp_path / str(len(made))
        path = folder / target.file
        path.parent.mkdir(parents=True)
        shutil.copyfile(whole, path)
        spoil(Case(target, 5, number), folder)
        made.append(path.read_bytes())
    assert made[0] == made[1] or path.suffix in (".h5", ".mdb")  # hold the time, pages
    assert made[0] != whole.read_bytes()
    for number, way in enumerate(set(target.ways)):
        path = tmp_path / f"way{number}" / Path(target.file).name
        path.parent.mkdir()
        changed = False
        for attempt in range(20):
            shutil.copyfile(whole, path)
            way(path, random.Random(attempt))
            changed |= path.read_bytes() != whole.read_bytes()
        assert changed, way


@pytest.mark.parametrize(
    ("program", "verdict"),
    [
        ("import os; os.abort()", Verdict.signal),
        ("while True: pass", Verdict.hang),
        ("raise ValueError('x')", Verdict.traceback),
        ("bytearray(8 << 40)", Verdict.traceback),
        ("import atexit, os; atexit.register(os.abort)", Verdict.signal),
        ("import subprocess; subprocess.Popen(['sleep', '1000'])", Verdict.accepted),
    ],
)
def test_the_server_outlives_what_it_runs(
    tmp_path: Path, server: Server, program: str, verdict: Verdict
) -> None:
    file, output = tmp_path / "program.py", tmp_path / "output"
    file.write_text(program)
    ended = server.run(Request([str(file)], str(tmp_path), str(output), seconds=2))
    text = output.read_text()
    assert judge(ended.code, text, timed_out=ended.timed_out) is verdict
    ended = server.run(Request([sys.executable, "-c", "exit(3)"], "/", str(output)))
    assert (ended.code, ended.timed_out) == (3, False)


def test_what_may_be_endless_is_asked_to_stop(tmp_path: Path, server: Server) -> None:
    words = ["/bin/sh", "-c", "trap 'echo stopped; exit 0' INT; while :; do :; done"]
    output = tmp_path / "output"
    ended = server.run(Request(words, str(tmp_path), str(output), endless=True))
    assert (ended.code, ended.timed_out, output.read_text()) == (0, False, "stopped\n")
    deaf = [*words[:2], "trap '' INT; while :; do :; done"]
    request = Request(deaf, str(tmp_path), str(output), seconds=3, endless=True)
    assert server.run(request).timed_out
