"""A kit for a GPU with stand-ins for its programs, so that its run.sh can be tested."""

import json
import shutil
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from commands import ROOT, Done, run

STEPS = (
    "device", "tests", "losses", "time", "train", "exact_resume",
    "memcheck", "racecheck", "synccheck", "initcheck",
)  # fmt: skip

# Trains as Caffe does: its log, SIGTERM, snapshots. FAULT names what goes wrong.
CAFFE = """
import os, signal, sys, time
from pathlib import Path

command, *options = sys.argv[1:]
option = dict(zip(options[::2], options[1::2]))
fault = os.environ.get("FAULT", "")
net = Path(option.get("--model", "")).stem
if fault == "no device" and command == "device_query":
    sys.exit('error: no "GPU"\\n  where: C:\\\\\\t\\x1b[1m\\n  next: that')
if fault == "hangs" and net == "paper":
    Path(os.environ["HANGS"]).write_text(str(os.getpid()))
    time.sleep(600)
if command == "time":
    for layer in ("copy_2", "loss_a"):
        print(f"I1 caffe.cpp:1] {layer}\\tforward: 0.25 ms.", file=sys.stderr)
        print(f"I1 caffe.cpp:1] {layer}\\tbackward: 1e-03 ms.", file=sys.stderr)
    for what, took in (("Forward pass", 20), ("Backward pass", 40.5),
                       ("Forward-Backward", 60.5)):
        print(f"I1 caffe.cpp:1] Average {what}: {took} ms.", file=sys.stderr)
if command != "train":
    sys.exit()
lines = Path("solver.prototxt").read_text().splitlines()
solver = dict(line.split(": ") for line in lines)
resumed = "_0." if fault == "forgets" else option.get("--snapshot", "_0.")
iteration = int(resumed.rpartition("_")[2].partition(".")[0])
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))

def snapshot():
    for kind in ("caffemodel", "solverstate"):
        wrong = fault == "inexact" and kind == "caffemodel" and resumed != "_0."
        Path(f"{solver['snapshot_prefix']}_iter_{iteration}.{kind}").write_text(
            f"{kind} {'is' if wrong else 'of'} {iteration}")

print("I1 solver.cpp:1] Iteration", iteration, flush=True)
while iteration < int(solver["max_iter"]):
    if fault == "nan" and iteration == 30:
        sys.exit("error: the loss is NaN\\n  where: net\\n  next: a lower rate")
    if asked:
        snapshot()
        print(f"I1 solver.cpp:1] Optimization stopped early, at iteration {iteration}.")
        sys.exit(143)
    print(f"I1 solver.cpp:1] Iteration {iteration} ({iteration + 0.5} iter/s, 0.02s/1 "
          f"iters), loss = {1 / (iteration + 1)}", flush=True)
    time.sleep(0.02)
    iteration += 1
snapshot()
"""
TESTS = """
import os, sys

if sys.argv[1] == "--gtest_list_tests":
    print("LossTest/0.  # TypeParam = caffe::CPUDevice<float>\\n  TestForward")
    print("LossTest/2.  # TypeParam = caffe::GPUDevice<float>\\n  TestForward")
    print("PlanTest.\\n  TestGPU\\n  TestOther")
    sys.exit()
print(sys.argv[2])
if os.environ.get("FAULT") == "red":
    print("[  PASSED  ] 1 test.\\n[  FAILED  ] 1 test, listed below:")
    sys.exit(1)
print("[  PASSED  ] 2 tests.")
"""
LIBRARIES = """
import sys

for name in sys.argv[1:]:
    print(name, *(("-", "why") if "no_such" in name else ("/lib", "1")), sep="\\t")
sys.exit("no_such" in "".join(sys.argv))
"""
SMI = """
print("NVIDIA H200, 580.159.04, 143771 MiB, 700.00 W, 1980 MHz, 3201 MHz")
"""
SANITIZER = """
import os, sys

if os.environ.get("FAULT") == "unsupported":
    sys.exit("========= Error: Device not supported. Please refer to the documentation")
at = next(i for i, word in enumerate(sys.argv) if word.endswith("drdl_test"))
os.execv(sys.argv[at], sys.argv[at:])
"""


def make_kit(folder: Path, needed: Sequence[str] = ()) -> Path:
    """A kit that needs of the machine what is given, beside an old C library."""
    kit, bin_ = folder / "kit", folder / "bin"
    for made in (kit / "nets", kit / "train_lmdb", bin_):
        made.mkdir(parents=True)
    programs = {"caffe": CAFFE, "drdl_test": TESTS, "libraries": LIBRARIES}
    others = {"compute-sanitizer": SANITIZER, "nvidia-smi": SMI}
    for name, code in (programs | others).items():
        (bin_ / name).write_text(f"#!{sys.executable} -I\n{code}")
        (bin_ / name).chmod(0o755)
    with tarfile.open(kit / "programs.tar.gz", "w:gz") as archive:
        for name in programs:
            archive.add(bin_ / name, f"bin/{name}")
    for net in ("paper", "exact"):
        text = f"max_iter: 64000\nsnapshot_prefix: snapshots/{net}\n"
        (kit / f"nets/{net}_solver.prototxt").write_text(text)
    (kit / "nets/losses.prototxt").write_text(
        '  name: "drawn"\n  name: "copy_2"\n  name: "loss_a"\n'
    )
    (kit / "kit.json").write_text('{"commit": "abc", "preset": "kit"}\n')
    (kit / "needed.txt").write_text("".join(f"{n}\n" for n in ["glibc 2.17", *needed]))
    shutil.copy(ROOT / "tools/gpu_kit/run.sh", kit)
    return kit


def settings(kit: Path, **changed: str) -> dict[str, str]:
    """The environment that the kit runs in: small, and all its own."""
    sanitizer, temporary = kit.parent / "bin", kit.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    return {
        "PATH": f"{sanitizer}:/usr/bin:/bin", "TMPDIR": str(temporary),
        "SEARCH": str(kit), "ITERATIONS": "40", "EXACT_ITERATIONS": "40",
    } | changed  # fmt: skip


def has_ended(process: int) -> bool:
    """Whether it runs no more; nobody need have waited for it."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state in "ZX"


def run_kit(kit: Path, **changed: str) -> tuple[Done, dict[str, Any]]:
    """Runs all steps; what came of it, and results.json."""
    done = run(kit / "run.sh", kit.parent / "out", **settings(kit, **changed))
    assert (kit.parent / "out/results.json").exists(), done.stderr
    results: dict[str, Any] = json.loads((kit.parent / "out/results.json").read_text())
    return done, results
