"""tools/gpu_kit/run.sh with stand-ins for Caffe: JSON, bounds in time, exit codes."""

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from commands import PIPE, ROOT, run, start
from gpu_kit import STEPS, has_ended, make_kit, run_kit, settings

pytestmark = pytest.mark.slow


def outcomes(results: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["outcome"] for step in results["steps"]}


def step(results: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = (step for step in results["steps"] if step["name"] == name)
    return found


def but(**changed: str) -> dict[str, str]:
    """All steps passed but these."""
    return dict.fromkeys(STEPS, "passed") | changed


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    return make_kit(tmp_path, ["driver libcuda.so.1", "library libcudnn.so.9"])


def test_a_run_in_which_all_goes_well(kit: Path) -> None:
    done, results = run_kit(kit)
    assert done.returncode == 0, done.stderr
    assert results["schema"] == "drdl.gpu_kit/1" and results["passed"] is True
    assert outcomes(results) == but()
    assert tuple(outcomes(results)) == STEPS
    assert results["kit"] == {"commit": "abc", "preset": "kit"}
    assert results["machine"]["cores"] == os.cpu_count()
    machine = results["machine"]
    assert machine["gpu"] == "NVIDIA H200" and machine["driver"] == "580.159.04"
    assert machine["gpu_memory_clock"] == "3201 MHz" and machine["memory_kb"] > 1e5
    assert results["libraries"]["libcudnn.so.9"].startswith("/lib ")
    for found in results["steps"]:
        assert found["exit_code"] == 0 and found["reason"] is None
        assert 0 < found["seconds"] < found["limit"]
    assert sum(found["limit"] for found in results["steps"]) <= 600
    assert step(results, "tests")["results"] == {"passed": 2}
    assert step(results, "memcheck")["results"] == {"passed": 2}
    assert step(results, "losses")["results"] == {
        "copy_2_forward_ms": 0.25, "copy_2_backward_ms": 0.001,
        "loss_a_forward_ms": 0.25, "loss_a_backward_ms": 0.001,
    }  # fmt: skip
    assert step(results, "time")["results"] == {
        "forward_ms": 20, "backward_ms": 40.5, "forward_backward_ms": 60.5,
    }  # fmt: skip
    trained = step(results, "train")["results"]
    stopped = trained.pop("stopped_at")
    assert 20 <= stopped < 40 and trained.pop("iterations_per_second") > 1
    assert trained == {
        "iterations_wanted": 40, "iterations": 40, "first_loss": 1, "last_loss": 0.025,
    }  # fmt: skip
    exact = step(results, "exact_resume")["results"]
    assert 20 <= exact.pop("stopped_at") < 40
    assert exact == {
        "iterations": 40, "same_caffemodel": True, "same_solverstate": True,
        "loss_straight": 0.025, "loss_resumed": 0.025,
    }  # fmt: skip
    log = (kit.parent / "out/log.txt").read_text()
    # The GPU's instances, and under the sanitizer not the long ones of them.
    assert "--gtest_filter=LossTest/2.*:PlanTest.TestGPU-\n" in log
    assert "--gtest_filter=LossTest/2.*:PlanTest.TestGPU-*Gradient*" in log
    assert names(kit.parent / "tmp") == []
    assert names(kit.parent / "out") == ["log.txt", "results.json"]


@pytest.mark.parametrize(
    ("fault", "changed", "reason"),
    [
        (
            "no device",
            {"device": "failed"},
            'error: no "GPU"|  where: C:\\  [1m|  next: that',
        ),
        ("nan", {"train": "failed", "exact_resume": "failed"}, "the loss is NaN"),
        (
            "forgets",
            {"train": "failed", "exact_resume": "failed"},
            "error: the training began again, from iteration 0|",
        ),
        ("inexact", {"exact_resume": "failed"}, "differ"),
        (
            "red",
            dict.fromkeys(("tests", *STEPS[6:]), "failed"),
            "[  FAILED  ] 1 test, listed below:",
        ),
    ],
)
def test_a_step_that_fails_stops_no_other(
    kit: Path, fault: str, changed: dict[str, str], reason: str
) -> None:
    done, results = run_kit(kit, FAULT=fault)
    assert done.returncode == 1 and results["passed"] is False
    assert outcomes(results) == but(**changed)
    for name in changed:
        assert step(results, name)["exit_code"] != 0
    assert reason in step(results, min(changed, key=STEPS.index))["reason"]
    if fault == "inexact":
        found = step(results, "exact_resume")["results"]
        assert found["same_caffemodel"] is False and found["same_solverstate"] is True


def test_a_step_that_hangs_is_ended(kit: Path) -> None:
    hangs = kit.parent / "hangs"
    done, results = run_kit(kit, FAULT="hangs", HANGS=str(hangs), LIMITS="time=1")
    assert done.returncode == 1 and outcomes(results) == but(time="timed out")
    assert 1 <= step(results, "time")["seconds"] < 10
    assert has_ended(int(hangs.read_text()))


def test_what_is_not_there_is_no_failure(kit: Path) -> None:
    done, results = run_kit(kit, FAULT="unsupported")
    assert done.returncode == 0 and results["passed"] is True
    assert outcomes(results) == but(**dict.fromkeys(STEPS[6:], "skipped"))
    assert "Device not supported" in step(results, "memcheck")["reason"]


def test_a_training_does_what_its_time_allows(kit: Path) -> None:
    done, results = run_kit(kit, ITERATIONS="100000", LIMITS="train=10")
    assert done.returncode == 0, done.stderr
    trained = step(results, "train")["results"]
    assert trained["iterations_wanted"] == 100000
    assert trained["stopped_at"] <= trained["iterations"] < 1000
    assert step(results, "train")["seconds"] < 10


def test_comparing_does_not_go_halfway(kit: Path) -> None:
    _, results = run_kit(kit, EXACT_ITERATIONS="100000", LIMITS="exact_resume=10")
    assert outcomes(results) == but(exact_resume="failed")
    assert "too slow for 100000" in step(results, "exact_resume")["reason"]


@pytest.mark.parametrize(
    ("needed", "error"),
    [
        ("driver libno_such.so.1", "error: no NVIDIA driver\n"),
        ("library libno_such.so.9", "that Caffe needs are missing: libno_such.so.9\n"),
        ("glibc 2.999", "error: the C library is too old\n"),
    ],
)
def test_a_machine_that_lacks_it(tmp_path: Path, needed: str, error: str) -> None:
    kit = make_kit(tmp_path, [needed])
    if needed.startswith("glibc"):
        (kit / "needed.txt").write_text(f"{needed}\n")
    done = run(kit / "run.sh", tmp_path / "out", **settings(kit))
    assert done.returncode == 1 and error in done.stderr
    assert "\n  where: " in done.stderr and "\n  next: " in done.stderr
    assert names(tmp_path / "out") == names(tmp_path / "tmp") == []


def test_results_are_not_replaced(kit: Path) -> None:
    (kit.parent / "out").mkdir()
    (kit.parent / "out/results.json").write_text("{}")
    done = run(kit / "run.sh", kit.parent / "out", **settings(kit))
    assert done.returncode == 1 and "there are results already" in done.stderr
    assert (kit.parent / "out/results.json").read_text() == "{}"
    for words, changed in (
        (["--help"], {}), (["a", "b"], {}), ([], {"LIMITS": "test=3"}),
        ([], {"LIMITS": "tests=no"}), ([], {"ITERATIONS": "0"}),
    ):  # fmt: skip
        done = run(kit / "run.sh", *words, cwd=kit, **settings(kit, **changed))
        assert done.returncode == 2 and done.stderr


def test_what_is_interrupted_leaves_nothing_whole(kit: Path) -> None:
    hangs = kit.parent / "hangs"
    words = (kit / "run.sh", kit.parent / "out")
    changed = settings(kit, FAULT="hangs", HANGS=str(hangs), LIMITS="time=900")
    with start(*words, stdout=PIPE, **changed) as job:
        while not hangs.exists() or not hangs.read_text():
            assert job.poll() is None
            time.sleep(0.05)
        job.send_signal(signal.SIGTERM)
        job.communicate(timeout=300)
    assert job.returncode == 143
    partial = json.loads((kit.parent / "out/results.json.partial").read_text())
    assert partial["passed"] is None
    assert outcomes(partial) == dict.fromkeys(("device", "tests", "losses"), "passed")
    assert not (kit.parent / "out/results.json").exists()
    assert names(kit.parent / "tmp") == []
    assert has_ended(int(hangs.read_text()))


def test_libraries_are_told_apart(tmp_path: Path) -> None:
    """The program of the kit that its stand-in above is for."""
    program = tmp_path / "libraries"
    source = ROOT / "tools/gpu_kit/libraries.c"
    assert run("cc", "-Wall", "-Werror", "-o", program, source).returncode == 0
    done = run(program, "libm.so.6", "libno_such.so.1")
    assert done.returncode == 1
    (here, path, _), (lacking, none, reason) = (
        line.split("\t") for line in done.stdout.splitlines()
    )
    assert (here, lacking, none) == ("libm.so.6", "libno_such.so.1", "-")
    assert Path(path).exists() and "cannot open shared object file" in reason
    assert run(program, "libm.so.6").returncode == 0


def test_a_kit_replaces_nothing(tmp_path: Path) -> None:
    tool, output = ROOT / "tools/gpu_kit.sh", tmp_path / "kit"
    assert run(tool).returncode == 2 and run(tool, output).returncode == 2
    output.mkdir()
    done = run(tool, "--output", output)
    assert done.returncode == 1 and "error: it exists\n" in done.stderr
    shutil.move(output, f"{output}.partial")
    done = run(tool, "--output", output)
    assert done.returncode == 1 and "error: this is no kit\n" in done.stderr
