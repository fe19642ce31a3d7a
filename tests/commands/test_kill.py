"""SIGKILL at every step and at random moments; then the same command again."""

import shutil
import signal
import time
from pathlib import Path
from random import Random

import lmdb
import numpy as np
import pytest
from commands import PIPE, ROOT, python, start
from forked_tools import QUIET, Run
from helpers import Fleet, make_fleet, write_linear_net

from pydrdl.features import read_features
from pydrdl.features.partial import DIGEST
from pydrdl.lmdb.verify import verify_image_lmdb

pytestmark = pytest.mark.caffe

BUILD, EXTRACT = ROOT / "tools/build_lmdb.py", ROOT / "tools/extract_features.py"
VEHICLES = {4: (7, -1), 9: (9, 2), 30: (5, 0)}
Files = dict[str, bytes]


def with_files(fleet: Fleet) -> Fleet:
    """Lays lists and a net beside the images."""
    fleet.listed()
    fleet.listed("some.txt", step=2)
    write_linear_net(fleet.root, outputs=5)
    return fleet


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return with_files(make_fleet(tmp_path_factory.mktemp("fleet"), VEHICLES, 24, 24))


def build_command(fleet: Fleet, output: Path, *options: str) -> list[str]:
    return [
        str(BUILD), str(fleet.root / "all.txt"), str(output), "--split", "all",
        "--size", "16", "--workers", "2", *options,
    ]  # fmt: skip


def extract_command(fleet: Fleet, output: Path, *options: str) -> list[str]:
    return [
        str(EXTRACT), str(fleet.root / "all.txt"), str(output),
        "--net", str(fleet.root / "deploy.prototxt"), "--untrained", "1",
        "--batch", "4", *options,
    ]  # fmt: skip


def content(folder: Path) -> tuple[list[tuple[bytes, bytes]], Files]:
    """Every record, and the files beside them."""
    with lmdb.open(str(folder), readonly=True, lock=False) as environment:
        records = list(environment.begin().cursor())
    files = {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.name not in ("data.mdb", "lock.mdb")
    }
    return records, files


def assert_whole(folder: Path, expected: object) -> None:
    assert verify_image_lmdb(folder).whole
    assert content(folder) == expected


@pytest.fixture(scope="module")
def straight(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    """Both results, and an older LMDB, made without a kill."""
    folder = tmp_path_factory.mktemp("straight")
    assert run(0, build_command(fleet, folder / "lmdb"))[0] == 0
    assert run(0, extract_command(fleet, folder / "features.h5"))[0] == 0
    old = build_command(fleet, folder / "old", "--raw")
    old[1] = str(fleet.root / "some.txt")
    assert run(0, old)[0] == 0
    assert len(content(folder / "lmdb")[0]) == 21
    assert len(content(folder / "old")[0]) == 11
    return folder


def test_build_killed_at_every_step(
    fleet: Fleet, run: Run, straight: Path, tmp_path: Path
) -> None:
    expected = content(straight / "lmdb")
    for step in range(1, 1000):
        parent = tmp_path / str(step)
        output = parent / "lmdb"
        command = build_command(fleet, output)
        code, text = run(step, command)
        if code == 0:
            break
        assert code == -signal.SIGKILL, text
        if not output.exists():
            code, text = run(0, command)
            assert code == 0, (step, text)
        assert_whole(output, expected)
        assert [path.name for path in parent.iterdir()] == ["lmdb"]
    # Files are written, synced and renamed one by one: there are many steps.
    assert 20 < step < 200


def test_a_build_that_replaces_another_killed_at_every_step(
    fleet: Fleet, run: Run, straight: Path, tmp_path: Path
) -> None:
    new, old = content(straight / "lmdb"), content(straight / "old")
    absent = 0
    for step in range(1, 1000):
        parent = tmp_path / str(step)
        output = parent / "lmdb"
        shutil.copytree(straight / "old", output)
        command = build_command(fleet, output, "--overwrite")
        code, text = run(step, command)
        if code == 0:
            break
        assert code == -signal.SIGKILL, text
        if not output.exists():
            absent += 1
            assert_whole(output.with_name(".lmdb.replaced"), old)
            # Without --overwrite, the old one is put back and kept.
            code, text = run(0, build_command(fleet, output))
            assert code == 1 and "the output exists" in text
            assert_whole(output, old)
        assert content(output) in (old, new)
        assert verify_image_lmdb(output).whole
        code, text = run(0, command)
        assert code == 0, (step, text)
        assert_whole(output, new)
        assert [path.name for path in parent.iterdir()] == ["lmdb"]
    assert_whole(output, new)
    assert absent == 1
    assert 25 < step < 200


# What is killed closes nothing.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_extraction_killed_at_every_step(
    fleet: Fleet, run: Run, straight: Path, tmp_path: Path
) -> None:
    expected = read_features(straight / "features.h5")
    went_on = set()
    for step in range(1, 1000):
        parent = tmp_path / str(step)
        parent.mkdir()
        output, partial = parent / "out.h5", parent / "out.h5.partial"
        command = extract_command(fleet, output)
        code, text = run(step, command)
        if code == 0:
            break
        assert code == -signal.SIGKILL, text
        if partial.exists():
            size = partial.stat().st_size - len(partial.open("rb").readline())
            batches = -(-size // (4 * 20 + DIGEST))
            went_on.add((size - batches * DIGEST) // 20)
        if output.exists():
            assert run(0, command)[0] == 1  # it is there
        else:
            code, text = run(0, command)
            assert code == 0, (step, text)
        found = read_features(output)
        assert found.sha256 == expected.sha256
        np.testing.assert_array_equal(found.features, expected.features)
        assert found.source == expected.source
        assert [path.name for path in parent.iterdir()] == ["out.h5"]
    assert went_on == {0, 4, 8, 12, 16, 20, 21}
    assert 20 < step < 200


# A tool that waits for leave, a byte of stdin, for each image it takes, and that
# tells how many it will take and, with a byte each, which it has taken.
GATED = """
import os, runpy, sys
from pydrdl import cli
from pydrdl.lmdb import build

def progress(items, what, total):
    os.write(1, f"{total}\\n".encode())
    for item in items:
        os.read(0, 1)
        os.write(1, b".")
        yield item

cli.progress = progress
build.COMMIT = 3
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def kill_at_random(command: list[str], random: Random) -> int:
    """Kills a tool as it works; returns how many images were left to it.

    It cannot have ended before: it never gets leave for its last image.
    """
    gated = *python(GATED), *command
    with start(*gated, stdin=PIPE, stdout=PIPE, text=False, **QUIET) as child:
        assert child.stdin and child.stdout
        left = int(child.stdout.readline())
        leave = random.randrange(left // 3, left)
        child.stdin.write(b"." * leave)
        for _ in range(random.randrange(leave + 1)):
            assert child.stdout.read(1) == b"."
        time.sleep(0.01 * random.random())
        child.kill()
    assert child.returncode == -signal.SIGKILL
    return left


def stopped(command: list[str], number: signal.Signals) -> str:
    """Sends a tool a signal as it works; returns what it shows."""
    gated = *python(GATED), *command
    with start(
        *gated, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=False, **QUIET
    ) as child:
        assert child.stdin and child.stdout and child.stderr
        leave = int(child.stdout.readline()) // 2
        child.stdin.write(b"." * leave)
        for _ in range(leave):
            assert child.stdout.read(1) == b"."
        child.send_signal(number)
        shown = child.stderr.read().decode()
    assert child.returncode == 128 + number
    return shown


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    vehicles = dict.fromkeys(range(10), (12, -1))
    return with_files(make_fleet(tmp_path_factory.mktemp("large"), vehicles, 24, 24))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("what", ["build", "extraction"])
def test_stopped_by_a_signal_it_goes_on(
    what: str, number: signal.Signals, large: Fleet, run: Run, tmp_path: Path
) -> None:
    build = what == "build"
    output = tmp_path / ("lmdb" if build else "out.h5")
    command = (build_command if build else extract_command)(large, output)
    shown = stopped(command, number)
    assert len(shown.splitlines()) == 1
    assert "run the same command again to go on" in shown
    assert {path.name for path in tmp_path.iterdir()} == {f"{output.name}.partial"}
    assert not list(tmp_path.rglob("*.part"))
    code, text = run(0, command)
    assert code == 0, text
    if build:
        assert "resumed after record" in text and verify_image_lmdb(output).whole
    else:
        assert len(read_features(output).names) == 120
    assert {path.name for path in tmp_path.iterdir()} == {output.name}


def test_build_killed_at_random(large: Fleet, run: Run, tmp_path: Path) -> None:
    random, output, whole = Random(0), tmp_path / "lmdb", tmp_path / "whole"
    command = build_command(large, output)
    left = []
    for _ in range(4):
        left.append(kill_at_random(command, random))
        assert not output.exists()
    assert left[0] == 120 and left[-1] < 120
    assert left == sorted(left, reverse=True)  # nothing is done twice
    assert run(0, command)[0] == 0
    assert run(0, build_command(large, whole))[0] == 0
    assert_whole(output, content(whole))
    assert {path.name for path in tmp_path.iterdir()} == {"lmdb", "whole"}


def test_extraction_killed_at_random(large: Fleet, run: Run, tmp_path: Path) -> None:
    random, output, whole = Random(1), tmp_path / "out.h5", tmp_path / "whole.h5"
    command = extract_command(large, output)
    left = []
    for _ in range(4):
        left.append(kill_at_random(command, random))
        assert not output.exists()
    assert left[0] == 120 and left[-1] < 120
    assert left == sorted(left, reverse=True)
    assert run(0, command)[0] == 0
    assert run(0, extract_command(large, whole))[0] == 0
    assert read_features(output).sha256 == read_features(whole).sha256
    assert {path.name for path in tmp_path.iterdir()} == {"out.h5", "whole.h5"}
