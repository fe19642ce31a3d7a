"""Computes the features of a data set's images with a deploy net."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from pathlib import Path
from typing import Annotated

from typer import Argument, BadParameter, Option

from pydrdl import cli
from pydrdl.atomic import refuse_existing
from pydrdl.check import findings
from pydrdl.check.images import DamageNotes
from pydrdl.commands import options
from pydrdl.datasets import images_of_split, open_dataset
from pydrdl.datasets.dataset import full_name
from pydrdl.features import write_features
from pydrdl.features.extract import extract
from pydrdl.features.file import discard, partial_path
from pydrdl.files import exists


def three_numbers(text: str) -> tuple[float, float, float]:
    """Parses "104,117,123"."""
    try:
        b, g, r = map(float, text.split(","))
    except ValueError as error:
        raise BadParameter(f"{text!r}; expected B,G,R such as 104,117,123") from error
    return b, g, r


def extract_features(
    dataset: Annotated[Path, Argument(help="A data set's folder, or an image list.")],
    output_word: Annotated[Path | None, options.OUTPUT_WORD] = None,
    *,
    output: Annotated[Path | None, options.output("HDF5 file to make.")] = None,
    net: Annotated[Path, Option(help="Its deploy.prototxt.")],
    weights: Annotated[Path | None, Option(help="Its .caffemodel.")] = None,
    untrained: Annotated[
        int | None, Option(min=0, help="No weights: random ones from this seed.")
    ] = None,
    split: Annotated[str, Option(help='Such as "test_800".')] = "all",
    root: Annotated[
        Path | None, Option(help="Folder that an image list's paths start from.")
    ] = None,
    layer: Annotated[
        str | None, Option(help="Blob to read; the net's last top by default.")
    ] = None,
    batch: Annotated[int, Option(min=1, help="Images of one pass.")] = 32,
    gpu: Annotated[
        int | None, Option(min=0, help="Number of the GPU; the CPU by default.")
    ] = None,
    resize: Annotated[
        int | None, Option(min=1, help="Pixels a side; see preprocess.json.")
    ] = None,
    mean: Annotated[
        str | None, Option(help="B,G,R to subtract; see preprocess.json.")
    ] = None,
    overwrite: Annotated[bool, options.OVERWRITE] = False,
) -> None:
    """Extract features for eval_cmc.py; images are made as in training.

    How they were made stands in preprocess.json beside the net. An interrupted
    extraction goes on when the same command is given again.

    Example: python tools/extract_features.py VehicleID_V1.0 --split test_800
    --net deploy.prototxt --weights mixed.caffemodel --output test_800.h5
    """
    bgr = None if mean is None else three_numbers(mean)
    path = options.one_output(output, output_word)
    partial = partial_path(path)
    if exists(path) and not overwrite:  # killed between the two last steps
        discard(partial)
    refuse_existing(path, overwrite=overwrite)
    data = open_dataset(dataset, root)
    damaged = DamageNotes()
    content = extract(
        images_of_split(data, split),
        data.root,
        net,
        weights=weights,
        untrained=untrained,
        layer=layer,
        resize=resize,
        mean=bgr,
        batch=batch,
        gpu=gpu,
        dataset=full_name(data),
        split=split,
        partial=partial,
        progress=cli.progress,
        note=damaged,
    )
    findings.print_problems(damaged.problems(), cli.stderr)
    write_features(path, content, overwrite=overwrite)
    discard(partial)
    n, d = content.features.shape
    cli.console.print(
        f"{path}: {n:,} x {d:,} of blob {content.source.layer}, "
        f"features {content.sha256[:16]}",
        markup=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    cli.run(extract_features)
