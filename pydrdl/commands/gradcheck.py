"""Checks Backward of every custom layer, and of a whole net, in double precision."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from typer import Exit, Option

from pydrdl import cli
from pydrdl.commands import options

Device = Literal["cpu", "gpu"]


class CheckedLayer(StrEnum):
    """What can be checked."""

    COUPLED_CLUSTERS_LOSS = "CoupledClustersLoss"
    TRIPLET_LOSS = "TripletLoss"
    L2_NORMALIZE = "L2Normalize"
    MIXED_DIFFERENCE = "mixed_difference"


class Mode(StrEnum):
    """In which way; every layer has some of these."""

    EXACT = "EXACT"
    CENTER_CONSTANT = "CENTER_CONSTANT"
    PAPER = "PAPER"
    RANDOM = "RANDOM"
    HARD = "HARD"
    THREE_BOTTOMS = "THREE_BOTTOMS"
    OUT_OF_PLACE = "OUT_OF_PLACE"
    IN_PLACE = "IN_PLACE"


def gradcheck(
    layer: Annotated[
        list[CheckedLayer] | None, Option(help="Only this one; may be repeated.")
    ] = None,
    mode: Annotated[
        list[Mode] | None, Option(help="Only this one; may be repeated.")
    ] = None,
    device: Annotated[
        Device | None, Option(help="Only this one; default: every one that is there.")
    ] = None,
    samples: Annotated[
        int, Option(min=1, help="Parameters to check of each of the net's layers.")
    ] = 8,
    seed: Annotated[int, options.seed("Of inputs, weights and samples.")] = 0,
    json: Annotated[
        Path | None, options.json_file("all numbers", "drdl.gradcheck")
    ] = None,
) -> None:
    """Compare gradients with central differences.

    Prints a table, and exits with 1 where a row is FAIL or VACUOUS. Error: the
    largest difference, relative to max |g|; at most 1e-6 in double (f64). Float
    (f32) is held against the differences in double: at most 1e-5, and 1e-4 in
    the whole net. Kinks: coordinates where the function has no derivative in
    reach of the step, such as at a hinge; not checked, and FAIL where they are
    many (over 10%, in the whole net 30%). VACUOUS: a check that could not have
    failed, as max |g| is tiny or no hinge, or every one, is active.

    Example: python tools/gradcheck.py --layer CoupledClustersLoss --mode PAPER
    """
    from pydrdl.gradcheck import suite
    from pydrdl.gradcheck.suite import check_all, select_cases
    from pydrdl.pycaffe import why_no_gpu

    cases = select_cases(layer or (), mode or (), samples)
    if not cases:
        raise cli.wrong_use("no such layer has such a mode", "--mode")
    no_gpu = None if device == "cpu" else why_no_gpu()
    if device == "gpu" and no_gpu is not None:
        raise cli.wrong_use(
            f"no GPU that Caffe can use ({no_gpu}); "
            "build with tools/setup.sh cuda where there is one",
            "--device",
        )
    devices = [device] if device else ["cpu"] if no_gpu else ["cpu", "gpu"]
    left_out = {} if "gpu" in devices else {"gpu": no_gpu or "not asked for"}

    rows = check_all(cases, devices, seed, cli.progress)
    cli.console.width = max(cli.console.width, suite.WIDTH)
    cli.console.print(suite.gradient_table(rows), "")
    cli.console.lines(*suite.notes(rows))
    cli.console.lines(*(f"not checked: {n} ({why})" for n, why in left_out.items()))
    cli.console.lines(suite.summary(rows))
    if json is not None:
        cli.write_json(json, suite.gradient_json(rows, seed, left_out))
    if not suite.passed(rows):
        raise Exit(1)
