"""Installs a wheel of tools/wheel.sh in a bare system, and uses it there.

    debootstrap --variant=minbase --include=python3-venv bookworm ROOT
    mount --bind /proc ROOT/proc
    python tools/container/try_wheel.py ROOT FOLDER

ROOT is a bare Debian 12 that reaches its packages; it is changed. FOLDER holds the
wheel. Needs root. A step that fails ends it, with exit code 1.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
NET = "nets/mixed_difference"
# A compiler would hide what is missing.
STEPS = (
    "! command -v cc && ! command -v g++ && ! ls /usr/lib/*/libopencv* 2>/dev/null",
    "python3 -m venv /wheel && /wheel/bin/pip install --quiet /*.whl",
    "python -c 'import caffe; print(caffe.__file__)' && drdl environment",
    "drdl render-vehicleid --output VehicleID --preset mini",
    "drdl build-lmdb VehicleID --output lmdb --split train --size 72",
    "drdl make-nets --output nets --train lmdb --max-iter 3 --sets 2",
    f"caffe train --solver {NET}/solver.prototxt",
    f"drdl extract-features VehicleID --output f.h5 --split test_12 --net "
    f"{NET}/deploy.prototxt --weights {NET}/mixed_difference_iter_3.caffemodel",
    "drdl eval-cmc f.h5",
    "drdl gradcheck",
)


def fail(what: str, where: object, next_step: str) -> None:
    """Ends the program with an error in three parts."""
    sys.exit(f"error: {what}\n  where: {where}\n  next: {next_step}")


def main(root: Path, folder: Path) -> None:
    """Runs all steps."""
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        fail(f"{len(wheels)} wheels are here", folder, "make one with tools/wheel.sh")
    shutil.copy(wheels[0], root)
    (root / "try").mkdir(exist_ok=True)
    variables = {"HOME": "/root", "LC_ALL": "C.UTF-8", "TERM": "dumb",
                 "PATH": "/wheel/bin:/usr/sbin:/usr/bin:/sbin:/bin"}  # fmt: skip
    variables |= {k: v for k, v in os.environ.items() if k.startswith("PIP_")}
    for step in STEPS:
        print(f"$ {step}", flush=True)
        words = [
            "chroot",
            root,
            "/usr/bin/env",
            "-C",
            "/try",
            "/bin/bash",
            "-euc",
            step,
        ]
        code = subprocess.run(words, env=variables, check=False).returncode
        if code:
            fail(f"a step ended with {code}", step, "read the lines above")
    print(f"{wheels[0].name}: all steps are done")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    system = Path(sys.argv[1])
    if not (system / "etc/debian_version").exists():
        fail("no Debian is here", system, "debootstrap --variant=minbase bookworm ROOT")
    if not (system / "proc/self").exists():  # a program finds its libraries by it
        fail(
            "/proc is not mounted", system / "proc", f"mount --bind /proc {system}/proc"
        )
    if os.geteuid() != 0:
        fail("chroot needs root", "this user", "run it as root")
    main(system, Path(sys.argv[2]))
