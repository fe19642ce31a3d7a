"""Builds an image LMDB with its pair index from a data set on disk."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from rich.table import Table
from rich.text import Text
from typer import Argument, Option

from pydrdl import cli
from pydrdl.check import findings
from pydrdl.check.counts import count_images
from pydrdl.check.images import DamageNotes
from pydrdl.commands import options
from pydrdl.datasets import Image, images_of_split, open_dataset
from pydrdl.lmdb.build import build_image_lmdb
from pydrdl.lmdb.labels import read_labels, with_known_models
from pydrdl.results.shared import number


class Label(StrEnum):
    """What the records' labels are."""

    vehicle = "vehicle"
    model = "model"


def build_lmdb(
    dataset: Annotated[Path, Argument(help="A data set's folder, or an image list.")],
    output_word: Annotated[Path | None, options.OUTPUT_WORD] = None,
    *,
    output: Annotated[Path | None, options.output("Folder to make.")] = None,
    split: Annotated[str, Option(help='Such as "train"; "all" of an image list.')],
    root: Annotated[
        Path | None, Option(help="Folder that an image list's paths start from.")
    ] = None,
    size: Annotated[
        int, Option(min=0, help="Pixels a side; 0 keeps each image's own.")
    ] = 256,
    quality: Annotated[int, Option(min=1, max=100, help="JPEG quality.")] = 95,
    raw: Annotated[bool, Option("--raw", help="Store pixels instead of JPEG.")] = False,
    label: Annotated[Label, Option(help="What records carry.")] = Label.vehicle,
    labelled_only: Annotated[
        bool, Option("--labelled-only", help="Leave out images without model label.")
    ] = False,
    as_models: Annotated[
        bool,
        Option(
            "--vehicles-as-models",
            help="Every vehicle is a model of its own, as for a softmax over "
            "CompCars' car models.",
        ),
    ] = False,
    labels: Annotated[
        Path | None,
        Option(
            metavar="LMDB",
            help="Number the vehicle models as in this training LMDB; models that "
            "it lacks count as unlabelled.",
        ),
    ] = None,
    workers: Annotated[
        int | None, Option(min=1, help="Threads; one a processor by default.")
    ] = None,
    overwrite: Annotated[bool, options.OVERWRITE] = False,
) -> None:
    """Build an image LMDB that Caffe's Data and PairSetData layers read.

    An interrupted build goes on when the same command is given again.

    Example: python tools/build_lmdb.py VehicleID_V1.0 --split train
    --output data/train_lmdb

    Example: python tools/build_lmdb.py own.txt --split all
    --output data/test_lmdb --labels data/train_lmdb
    """
    folder = options.one_output(output, output_word)
    data = open_dataset(dataset, root)
    if labelled_only:
        data = dataset.labelled_only(data)
    if as_models:
        data = dataset.vehicles_as_models(data)
    found = images = images_of_split(data, split)
    model_ids = None if labels is None else read_labels(labels).model_ids
    if model_ids is not None:
        images = with_known_models(found, model_ids, labelled_only=labelled_only)
    damaged = DamageNotes()
    summary = build_image_lmdb(
        images,
        data.root,
        folder,
        size=(size, size) if size else None,
        jpeg_quality=None if raw else quality,
        label=label.value,
        num_models=data.num_models,
        model_ids=model_ids,
        workers=workers,
        overwrite=overwrite,
        progress=cli.progress,
        note=damaged,
    )
    findings.print_problems(damaged.problems(), cli.stderr)
    table = Table(str(folder), "", title=f"{data.name} {split}")
    count = count_images(split, images, data.num_models)
    for what, counted in (
        ("images", summary.images),
        ("vehicles", summary.vehicles),
        ("vehicle models", count.models),
        ("images with model label", summary.labelled),
        ("vehicles with model label", count.labelled_vehicles),
        ("model labels (outputs of a softmax)", summary.models),
    ):
        table.add_row(what, f"{counted:,}")
    table.add_row("bytes", f"{summary.bytes:,}")
    if summary.resumed_at:
        table.add_row("resumed after record", f"{summary.resumed_at:,}")
    cli.console.print(table)
    if model_ids is not None:
        cli.console.print(_unknown(found, model_ids, labels), soft_wrap=True)


def _unknown(
    images: tuple[Image, ...], model_ids: tuple[int, ...], lmdb: Path | None
) -> Text:
    """How many images have a model that the training LMDB lacks."""
    known = {-1, *model_ids}
    others = [image.model_id for image in images if image.model_id not in known]
    if not others:
        return Text(f"vehicle models are numbered as in {lmdb}, which has all of them")
    return Text(
        f"vehicle models are numbered as in {lmdb}; {number(len(others), 'image')} of "
        f"{number(len(set(others)), 'model')} that it lacks: unlabelled (-1)"
    )


if __name__ == "__main__":
    cli.run(build_lmdb)
