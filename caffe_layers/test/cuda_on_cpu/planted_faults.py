"""Puts one fault at a time into our kernels and shows who sees it.

The build of the preset emulated has to be there: tools/sanitize.sh emulated makes it.
"""

import os
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typer import Exit, Option

from pydrdl import cli
from pydrdl.errors import InputError

ROOT = Path(__file__).parents[3]
BUILD = ROOT / "build/emulated"
REWRITE = Path(__file__).with_name("rewrite.py")
# What a fault shows at once, without the tests that take long.
QUICK = "-*Death*:*Exhaustive*:*Gradient*:*Flood*:*NeverHidden*"


@dataclass(frozen=True)
class Fault:
    """A change to one place of a file below caffe_layers/, compiled into one kernel."""

    name: str
    source: str
    old: str
    new: str
    suite: str
    kernel: str = ""  # the .cu file to compile again, where source is a header

    @property
    def compiled(self) -> str:
        """The name of the .cu file that is compiled."""
        return Path(self.kernel or self.source).name


CLUSTERS = "src/coupled_clusters_loss_layer.cu"
SUMMARY = "src/set_loss_layer.cu"
UNIT = "src/l2_normalize_layer.cu"
TRIPLETS = "src/triplet_loss_layer.cu"
STEP = "src/sgd_step.cu"
IMAGES = "src/image_transform.cu"
NORM = "src/norm_pool.cu"

FAULTS = (
    Fault(
        "clusters: no barrier before the centre is read",
        CLUSTERS,
        "  }\n  __syncthreads();\n  // A warp a row.",
        "  }\n  // A warp a row.",
        "CoupledClusters*",
    ),
    Fault(
        "clusters: no barrier before the distances are read",
        CLUSTERS,
        "  }\n  __syncthreads();\n  if (threadIdx.x == 0) {",
        "  }\n  if (threadIdx.x == 0) {",
        "CoupledClusters*",
    ),
    Fault(
        "clusters: no bound on the column in Backward",
        CLUSTERS,
        "  if (d >= dim) return;\n",
        "",
        "CoupledClusters*",
    ),
    Fault(
        "clusters: every lane writes the distance",
        CLUSTERS,
        "if (threadIdx.x % kWarp == 0) distance[r]",
        "distance[r]",
        "CoupledClusters*",
    ),
    Fault(
        "summary: no barrier before BlockReduce's storage is used again",
        SUMMARY,
        "    __syncthreads();  // storage is used again\n",
        "",
        "CoupledClusters*",
    ),
    Fault(
        "summary: vehicle ids from the host's memory",
        SUMMARY,
        "ids ? ids->gpu_data()",
        "ids ? ids->cpu_data()",
        "CoupledClusters*",
    ),
    Fault(
        "unit rows: no barrier before the total is read",
        UNIT,
        "  __syncthreads();\n  return total;",
        "  return total;",
        "L2Normalize*",
    ),
    Fault(
        "unit rows: zero rows counted without an atomic",
        UNIT,
        "atomicAdd(zero_rows, 1)",
        "++*zero_rows",
        "L2Normalize*",
    ),
    Fault(
        "unit rows: a column too many",
        UNIT,
        "for (int d = threadIdx.x; d < dim; d += kThreads) {\n    y[d]",
        "for (int d = threadIdx.x; d <= dim; d += kThreads) {\n    y[d]",
        "L2Normalize*",
    ),
    Fault(
        "triplets: no bound on the triplet",
        TRIPLETS,
        "  if (t >= triplets) return;\n  const int* rows",
        "  const int* rows",
        "Triplet*",
    ),
    Fault(
        "triplets: a block each triplet in Backward",
        TRIPLETS,
        "const dim3 grid(this->sets_,",
        "const dim3 grid(active_.count(),",
        "Triplet*",
    ),
    Fault(
        "triplets: lanes part ways in HARD",
        TRIPLETS,
        "    if (r == anchor) continue;",
        "    if (r == anchor || (threadIdx.x % kWarp == 5 && r == 0)) continue;",
        "Triplet*",
    ),
    Fault(
        "triplets: gradients not cleared",
        TRIPLETS,
        "      caffe_gpu_set(blob->count(), Dtype(0), features.grad[i]);\n",
        "",
        "Triplet*",
    ),
    Fault(
        "solver's step: the gradient is left as it was",
        STEP,
        "    diff[i] = clear ? Dtype(0) : step;\n",
        "",
        "SgdStep*",
    ),
    Fault(
        "solver's step: an element too many",
        STEP,
        "CUDA_KERNEL_LOOP(i, count) {",
        "CUDA_KERNEL_LOOP(i, count + 1) {",
        "SgdStep*",
    ),
    Fault(
        "images: a pixel behind the row where they are mirrored",
        IMAGES,
        "shape.width - 1 - x",
        "shape.width - x",
        "PairSetData*",
    ),
    Fault(
        "images: the mean image does not follow the crop",
        IMAGES,
        "cut.top + y)",
        "y)",
        "PairSetData*",
    ),
    Fault(
        "images: half of the values only",
        IMAGES,
        "CUDA_KERNEL_LOOP(i, count) {",
        "CUDA_KERNEL_LOOP(i, count / 2) {",
        "PairSetData*",
    ),
    Fault(
        "norm and pool: no bound on the column",
        NORM,
        "  if (!FindPart(s, pooled, &part)) return;\n",
        "  FindPart(s, pooled, &part);\n",
        "NormPool*",
    ),
    Fault(
        "norm and pool: no bound on the column in Backward",
        NORM,
        "  if (!FindPart(s, plane, &part)) return;\n",
        "  FindPart(s, plane, &part);\n",
        "NormPool*",
    ),
    Fault(
        "norm and pool: a channel too many counts",
        NORM,
        "if (channel < 0 || channel >= channels) return 0;",
        "if (channel < 0 || channel > channels) return 0;",
        "NormPool*",
    ),
    Fault(
        "norm and pool: a pixel beside the image is pooled",
        NORM,
        "w >= 0 && w < s.width;",
        "w >= 0 && w <= s.width;",
        "NormPool*",
    ),
    Fault(
        "norm and pool: threads share channels",
        NORM,
        "part->last = min(part->first + kChannels, s.channels);",
        "part->last = min(part->first + kChannels + 1, s.channels);",
        "NormPool*",
    ),
    # Not a fault of the kernel: it is seen only where the kernels' copies of
    # templates are the ones that run (the linking trap).
    Fault(
        "header: a row too many is searched for the nearest",
        "include/drdl/coupled_clusters.hpp",
        "for (int r = positives + 1; r < rows; ++r) {\n    if (Nearer",
        "for (int r = positives + 1; r <= rows; ++r) {\n    if (Nearer",
        "CoupledClusters*",
        CLUSTERS,
    ),
)


@dataclass(frozen=True)
class Build:
    """How ninja compiles the kernels and links libcaffe."""

    commands: list[str]

    @classmethod
    def read(cls) -> "Build":
        """Asks ninja.

        Raises:
            InputError: nothing is built.
        """
        if not (BUILD / "libcaffe.so").exists():
            what, advice = "nothing is built", "run tools/sanitize.sh emulated"
            raise InputError(what, BUILD, advice)
        ninja = ["ninja", "-C", str(BUILD), "-t", "commands", "libcaffe.so"]
        told = subprocess.run(ninja, capture_output=True, text=True, check=True)
        return cls(told.stdout.splitlines())

    def make(self, fault: Fault | None, folder: Path) -> Path:
        """Builds a libcaffe with this fault in a folder; returns where it lies."""
        if fault is None:
            return BUILD
        kernel = ROOT / "caffe_layers" / (fault.kernel or fault.source)
        changed = folder / "caffe_layers" / fault.source
        changed.parent.mkdir(parents=True)
        changed.write_text(planted(fault))
        written = folder / f"{fault.compiled}.cpp"
        source = kernel if fault.kernel else changed
        subprocess.run(["python3", REWRITE, source, written], check=True)

        compile_ = self._of(f"{fault.compiled}.cpp.o -c ")
        words = [word for word in shlex.split(compile_) if "ccache" not in word]
        replaced = words[words.index("-o") + 1]
        for option, value in (("-o", f"{written}.o"), ("-c", str(written))):
            words[words.index(option) + 1] = value
        words[words.index("-MF") + 1] = f"{written}.d"
        words.insert(1, f"-I{folder}/caffe_layers/include")
        subprocess.run(words, cwd=BUILD, check=True)

        link = self._of("-o libcaffe.so")
        assert replaced in link
        link = link.replace(replaced, f"{written}.o")
        link = link.replace("-o libcaffe.so", f"-o {folder}/libcaffe.so")
        subprocess.run(link, shell=True, cwd=BUILD, check=True)
        return folder

    def _of(self, part: str) -> str:
        return next(command for command in self.commands if part in command)


def planted(fault: Fault) -> str:
    """The text of its source with the fault in it.

    Raises:
        InputError: the place is not there, or not once.
    """
    file = ROOT / "caffe_layers" / fault.source
    text = file.read_text()
    if text.count(fault.old) < 1:
        advice = f"adapt the fault {fault.name!r} in {Path(__file__).name}"
        raise InputError("the place for a planted fault is gone", file, advice)
    return text.replace(fault.old, fault.new, 1)


@dataclass(frozen=True)
class Seen:
    """How the tests of one suite ended."""

    reports: list[str]
    failed: list[str]
    code: int

    @property
    def verdict(self) -> str:
        """What saw the fault; empty if nothing did."""
        if self.reports:
            alone = "" if self.failed else "; no test fails"
            return self.reports[0] + alone
        if self.failed:
            return f"a test: {self.failed[0]}"
        return "" if self.code == 0 else f"exit code {self.code}"


def run_tests(library: Path, suite: str) -> Seen:
    """Runs the GPU's instances of a suite with this libcaffe.

    Raises:
        InputError: there are none.
    """
    changed = {"LD_LIBRARY_PATH": str(library), "OPENBLAS_NUM_THREADS": "1"}
    words = [
        str(BUILD / "drdl_test"),
        "--gtest_brief=1",
        f"--gtest_filter={suite}/2.*:{suite}/3.*:*Emulated{suite}:{QUICK}",
    ]
    done = subprocess.run(
        words, env=os.environ | changed, capture_output=True, text=True, timeout=900
    )
    lines = (done.stdout + done.stderr).splitlines()
    if any(line.startswith("[==========] 0 tests") for line in lines):
        raise InputError("no test has this name", suite, "mend the fault's suite")
    mine = "cuda_on_cpu: "
    reports = [line.removeprefix(mine) for line in lines if line.startswith(mine)]
    failed = [line.split("] ")[1] for line in lines if line.startswith("[  FAILED")]
    return Seen(reports, failed, done.returncode)


def planted_faults(
    only: Annotated[
        list[int] | None, Option(help="The number of a fault; else all.")
    ] = None,
) -> None:
    """Plant each fault, run the tests, and tell what saw it.

    Exit code 1 if one is not seen, or the unchanged kernels are not clean.

    Example: python caffe_layers/test/cuda_on_cpu/planted_faults.py
    """
    build = Build.read()
    chosen = list(enumerate(FAULTS, 1))
    if only:
        chosen = [(number, fault) for number, fault in chosen if number in only]
    scratch = BUILD / "planted"
    unseen = []
    for suite in sorted({fault.suite for _, fault in chosen}):
        if seen := run_tests(BUILD, suite).verdict:
            cli.console.print(f"not clean: {suite}: {seen}", markup=False)
            raise Exit(1)
    for number, fault in chosen:
        started = time.monotonic()
        folder = scratch / str(number)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        seen = run_tests(build.make(fault, folder), fault.suite).verdict
        if not seen:
            unseen.append(number)
        line = f"{number} {fault.name}: {seen or 'NOT SEEN'}"
        seconds = f" ({time.monotonic() - started:.0f} s)"
        cli.console.print(line + seconds, markup=False, soft_wrap=True)
        shutil.rmtree(folder)
    cli.console.print(f"{len(chosen) - len(unseen)} of {len(chosen)} faults seen")
    if unseen:
        raise Exit(1)


if __name__ == "__main__":
    cli.run(planted_faults)
