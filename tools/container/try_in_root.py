"""Runs the steps of the Dockerfile in a bare system, where no container engine is.

    debootstrap --variant=minbase bookworm ROOT
    python tools/container/try_in_root.py ROOT [PRESET]

ROOT is a bare Debian 12 that reaches its packages; it is changed. Needs root. Steps are
read from the Dockerfile, so that the two cannot differ: COPY copies what git knows;
RUN and CMD run under chroot, with its user and environment. A step that fails ends it,
with exit code 1.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from dockerfile import steps, words_of

PROJECT = Path(__file__).parents[2]


def fail(what: str, where: object, next_step: str) -> None:
    """Ends the program with an error in three parts."""
    sys.exit(f"error: {what}\n  where: {where}\n  next: {next_step}")


def copied(sources: list[str], target: Path) -> None:
    """Copies what git knows of the sources, relative to the project."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *sources],
        cwd=PROJECT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    names = [name for name in listed.stdout.split("\0") if name]
    if not names:
        fail("git knows no such file", " ".join(sources), "commit it")
    for name in names:
        # COPY of files puts them into the folder, of "." the folder's content.
        path = target / (name if sources == ["."] else Path(name).name)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, path)


def main(root: Path, preset: str) -> None:
    """Runs all steps."""
    variables = {"HOME": "/root", "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    variables |= {
        k: v for k, v in os.environ.items() if k.startswith(("PIP_", "CCACHE_"))
    }
    folder, user, shell = "/", "0", ["/bin/sh", "-c"]
    for step in steps(PROJECT / "Dockerfile"):
        began = time.monotonic()
        print(f"{step.line}: {step.name} {step.text}", flush=True)
        words = words_of(step.text) if step.name not in ("RUN", "FROM") else []
        if step.name in ("ARG", "ENV"):
            for word in words:
                name, _, value = word.partition("=")
                variables[name] = preset if name == "PRESET" else value
        elif step.name == "WORKDIR":
            folder = words[0]
            (root / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif step.name == "SHELL":
            shell = words
        elif step.name == "USER":
            user = words[0]
        elif step.name == "COPY":
            copied(words[:-1], root / folder.lstrip("/") / words[-1])
        elif step.name in ("RUN", "CMD"):
            command = [*shell, step.text] if step.name == "RUN" else words
            done = subprocess.run(
                ["chroot", f"--userspec={user}:{user}", root,
                 "/usr/bin/env", "-C", folder, *command],
                env=variables | ({} if user == "0" else {"HOME": "/home/drdl"}),
                check=False,
            )  # fmt: skip
            if done.returncode:
                fail(f"a step ended with {done.returncode}", f"Dockerfile:{step.line}",
                     "read the lines above")  # fmt: skip
            print(f"done in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    system = Path(sys.argv[1])
    if not (system / "etc/debian_version").exists():
        fail("no Debian is here", system, "debootstrap --variant=minbase bookworm ROOT")
    if os.geteuid() != 0:
        fail("chroot needs root", "this user", "run it as root")
    main(system, sys.argv[2] if len(sys.argv) == 3 else "cpu")
