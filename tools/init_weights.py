"""Starts a net from pretrained weights, its second branch too."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from pathlib import Path
from typing import Annotated

from typer import Argument, BadParameter, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.nets import initialise as task


def init_weights(
    weights: Annotated[Path, Argument(help="Pretrained .caffemodel, old or new.")],
    net: Annotated[Path, Argument(help="The net's train_val.prototxt.")],
    output_word: Annotated[Path | None, options.OUTPUT_WORD] = None,
    *,
    output: Annotated[Path | None, options.output("The .caffemodel to make.")] = None,
    copy: Annotated[
        list[str] | None,
        Option(help="FILE_LAYER=NET_LAYER; once for each pair.", metavar="PAIR"),
    ] = None,
    skip_mismatch: Annotated[
        bool, Option("--skip-mismatch", help="Leave out layers that do not fit.")
    ] = False,
    overwrite: Annotated[bool, options.OVERWRITE] = False,
    json: Annotated[Path | None, options.json_file("the table and hashes")] = None,
) -> None:
    """Write the weights that a net starts from, for caffe train --weights.

    Layers are copied by name; where the file has one branch, conv4 to fc7 go
    into conv4_2 to fc7_2 as well. The table shows every blob.

    Example: python tools/init_weights.py VGG_CNN_M_1024.caffemodel
    prototxt/mixed_difference/train_val.prototxt --output start.caffemodel
    """
    try:
        copies = task.parse_copies(copy or ())
    except ValueError as error:
        raise BadParameter(str(error), param_hint="--copy") from error
    outcome = task.init_weights(
        weights,
        net,
        options.one_output(output, output_word),
        copies=copies,
        skip_mismatch=skip_mismatch,
        overwrite=overwrite,
    )
    cli.console.print(task.outcome_table(outcome), "")
    for note in task.outcome_notes(outcome):
        cli.console.print(note, markup=False, soft_wrap=True)
    if json is not None:
        cli.write_json(json, task.outcome_json(outcome))


if __name__ == "__main__":
    cli.run(init_weights)
