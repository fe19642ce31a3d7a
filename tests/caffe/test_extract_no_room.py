"""Extraction on a disk that is full: told, nothing lost, and it goes on."""

import sys
from functools import partial
from pathlib import Path

import pytest
import small_disks
from commands import ROOT
from commands import run as run_program
from forked_tools import Run
from helpers import Fleet, make_fleet, write_linear_net
from small_disks import FULL, LARGE, mounted, remount

from pydrdl.features import read_features


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    fleet = make_fleet(
        tmp_path_factory.mktemp("fleet"), {4: (7, -1), 9: (9, 2)}, 24, 24
    )
    fleet.listed()
    write_linear_net(fleet.root, outputs=300)
    return fleet


def command(fleet: Fleet, output: Path) -> list[str]:
    return [
        str(ROOT / "tools/extract_features.py"), str(fleet.root / "all.txt"),
        str(output), "--net", str(fleet.root / "deploy.prototxt"), "--untrained", "1",
        "--batch", "4",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def sha256(fleet: Fleet, run: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    output = tmp_path_factory.mktemp("straight") / "f.h5"
    code, text = run(0, command(fleet, output))
    assert code == 0, text
    assert output.stat().st_size > 19_000
    return read_features(output).sha256


assert_told = partial(
    small_disks.assert_told, unsaid="extract again", cannot="the features"
)


def test_at_every_limit_of_a_files_size(
    fleet: Fleet, run: Run, sha256: str, tmp_path: Path
) -> None:
    failed = 0
    for limit in range(0, 32_000, 1_500):
        output = tmp_path / str(limit) / "f.h5"
        output.parent.mkdir()
        code, text = run(0, command(fleet, output), {"FSIZE": limit})
        if code:
            assert_told(code, text, LARGE, output)
            assert not output.exists()
            assert {p.name for p in output.parent.iterdir()} <= {"f.h5.partial"}
            code, text = run(0, command(fleet, output))
            assert code == 0, text
            failed += 1
        assert read_features(output).sha256 == sha256
        assert [path.name for path in output.parent.iterdir()] == ["f.h5"]
    assert failed > 10


def test_on_a_disk_of_every_size(
    fleet: Fleet, run: Run, sha256: str, tmp_path: Path
) -> None:
    failed = 0
    with mounted(tmp_path, "size=4k"):
        for room in range(4_096, 60_000, 4_096):
            remount(tmp_path, f"size={room}")
            output = tmp_path / "f.h5"
            code, text = run(0, command(fleet, output))
            if code:
                assert_told(code, text, FULL, output)
                assert not output.exists()
                remount(tmp_path, "size=1m")
                code, text = run(0, command(fleet, output))
                assert code == 0, text
                failed += 1
            assert read_features(output).sha256 == sha256
            assert [path.name for path in tmp_path.iterdir()] == ["f.h5"]
            output.unlink()
    assert failed > 5


def test_no_library_ends_the_process_afterwards(fleet: Fleet, tmp_path: Path) -> None:
    """A process of its own: what is done at its exit is done."""
    with mounted(tmp_path, "size=28k"):
        output = tmp_path / "f.h5"
        words = sys.executable, *command(fleet, output)
        done = run_program(*words, GLOG_minloglevel="2")
        assert_told(done.returncode, done.stderr, FULL, output)
        assert [path.name for path in tmp_path.iterdir()] == ["f.h5.partial"]
