"""What all benchmarks share: the machine in words, medians, their JSON files."""

import os
import platform
import re
import shlex
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydrdl import cli

# Of the environment, what a benchmark's speed depends on.
ENVIRONMENT = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
NUMPY, CV2 = {"NumPy": "numpy"}, {"cv2": "opencv-python-headless"}


@dataclass(frozen=True)
class Machine:
    """Where something was measured, without its name.

    Attributes:
        cpu: the processor's name.
        virtual: whether the cores are a virtual machine's.
        cores: that this process may use.
        system: the operating system.
        load: mean number of running processes in the minute before; what others
            did at that time.
        libraries: their versions by name.
    """

    cpu: str
    virtual: bool
    cores: int
    system: str
    load: float
    libraries: dict[str, str]

    def __str__(self) -> str:
        virtual = " (a virtual machine)" if self.virtual else ""
        libraries = ", ".join(f"{name} {v}" for name, v in self.libraries.items())
        return (
            f"{self.cpu}{virtual}, {self.cores} cores; {self.system}; {libraries}; "
            f"load {self.load:.1f} before"
        )


def machine(libraries: Mapping[str, str]) -> Machine:
    """This machine; to call before anything is measured, for the load's sake.

    Args:
        libraries: distributions whose versions matter, by the name to show; those
            that are not installed are left out.
    """
    versions = {"Python": platform.python_version()}
    for name, distribution in libraries.items():
        with suppress(PackageNotFoundError):
            versions[name] = version(distribution)
    info = Path("/proc/cpuinfo").read_text()
    names = re.findall(r"^model name\s*: (.*)", info, re.MULTILINE)
    flags = re.findall(r"^flags\s*: (.*)", info, re.MULTILINE)
    return Machine(
        cpu=names[0] if names else platform.processor(),
        virtual=any("hypervisor" in words.split() for words in flags),
        cores=len(os.sched_getaffinity(0)),
        system=platform.freedesktop_os_release()["PRETTY_NAME"],
        load=os.getloadavg()[0],
        libraries=versions,
    )


def loaded_version(library: str) -> str:
    """The version of a shared library that this process has loaded.

    Args:
        library: its file's name without "lib", such as "opencv_core".
    """
    maps = Path("/proc/self/maps").read_text()
    found = re.search(rf"/lib{re.escape(library)}\.so\.([\d.]+)", maps)
    return found[1] if found else "of unknown version"


def spread(values: Sequence[float], digits: str) -> tuple[str, str]:
    """The median, and the smallest to the largest.

    Args:
        values: one of every round.
        digits: how to write them, as format() has it.
    """
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:{digits}}", f"{low:{digits}} to {high:{digits}}"


def percentile(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return sorted(values)[int(0.95 * len(values))]


def ratios(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """Seconds of one over seconds of the other, in every round."""
    return [a / b for a, b in zip(one, other, strict=True)]


def command(words: Sequence[str] = ()) -> str:
    """How this process was started, but for --json and the folders of this machine.

    Args:
        words: in place of sys.argv.
    """
    program, *given = words or sys.argv
    kept, skip = [], False
    for word in given:
        if skip or word == "--json":
            skip = not skip
        elif not word.startswith("--json="):
            option, equals, value = word.rpartition("=")
            kept.append(f"{option}{equals}{_without_folder(value)}")
    here = {name: os.environ.get(name) for name in ENVIRONMENT}
    settings = [f"{name}={value}" for name, value in here.items() if value]
    return shlex.join([*settings, "python", f"benchmarks/{Path(program).name}", *kept])


def _without_folder(value: str) -> str:
    return Path(value).name if value.startswith(("/", "~", "..")) else value


def write(path: Path, schema: str, where: Machine, **content: object) -> None:
    """Writes what was measured, so that a document's tables can be made from it.

    Args:
        path: JSON; replaced.
        schema: names the form of content, with its version.
        where: the machine, as it was before.
        content: every round's numbers and what they are of.

    Raises:
        InputError: the file cannot be written.
    """
    about = {"schema": schema, "command": command(), "machine": asdict(where)}
    cli.write_json(path, {**about, **content})
