"""Checks Backward of every custom layer, and of a whole net, in double precision."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from pathlib import Path
from typing import Annotated

from typer import BadParameter, Exit, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.gradcheck import suite
from pydrdl.gradcheck.suite import Device, Layer, Mode, check_all, select_cases
from pydrdl.pycaffe import why_no_gpu


def gradcheck(
    layer: Annotated[
        list[Layer] | None, Option(help="Only this one; may be repeated.")
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
    json: Annotated[Path | None, options.json_file("all numbers")] = None,
) -> None:
    """Compare gradients with central differences, and print a table.

    Exits with 1 where a row is FAIL or VACUOUS. Error: the largest difference,
    relative to max |g|; at most 1e-6 in double (f64). Float (f32) is held
    against the differences in double: at most 1e-5, and 1e-4 in the whole net.
    Kinks: coordinates where the function has no derivative in reach of the
    step, such as at a hinge; not checked, and FAIL where they are many (over
    10%, in the whole net 30%). VACUOUS: a check that could not have failed, as
    max |g| is tiny or no hinge, or every one, is active.

    Example: python tools/gradcheck.py --layer CoupledClustersLoss --mode PAPER
    """
    cases = select_cases(layer or (), mode or (), samples)
    if not cases:
        raise BadParameter("no such layer has such a mode", param_hint="--mode")
    no_gpu = None if device is Device.CPU else why_no_gpu()
    if device is Device.GPU and no_gpu is not None:
        raise BadParameter(
            f"no GPU that Caffe can use ({no_gpu}); "
            "build with tools/setup.sh cuda where there is one",
            param_hint="--device gpu",
        )
    devices = [device] if device else [Device.CPU] if no_gpu else list(Device)
    left_out = {} if Device.GPU in devices else {"gpu": no_gpu or "not asked for"}

    rows = check_all(cases, devices, seed, cli.progress)
    cli.console.width = max(cli.console.width, suite.WIDTH)
    cli.console.print(suite.gradient_table(rows), "")
    for note in suite.notes(rows):
        cli.console.print(note, markup=False, soft_wrap=True)
    for name, reason in left_out.items():
        cli.console.print(f"not checked: {name} ({reason})", markup=False)
    cli.console.print(suite.summary(rows), markup=False, soft_wrap=True)
    if json is not None:
        cli.write_json(json, suite.gradient_json(rows, seed, left_out))
    if not suite.passed(rows):
        raise Exit(1)


if __name__ == "__main__":
    cli.run(gradcheck)
