"""Image LMDBs: built from a data set, and verified."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from rich import box
from rich.table import Table
from typer import Argument, Exit, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.table import plural

if TYPE_CHECKING:
    from pydrdl.datasets import Dataset, Image
    from pydrdl.lmdb.verify import LmdbVerification


def build_lmdb(
    dataset: Annotated[Path, options.DATASET],
    output_word: Annotated[Path | None, options.OUTPUT_WORD] = None,
    *,
    output: Annotated[Path | None, options.output("Folder to make.")] = None,
    split: Annotated[str, Option(help='Such as "train"; "all" of an image list.')],
    root: Annotated[Path | None, options.ROOT] = None,
    size: Annotated[
        int, Option(min=0, help="Pixels a side; 0 keeps each image's own.")
    ] = 256,
    quality: Annotated[int, Option(min=1, max=100, help="JPEG quality.")] = 95,
    raw: Annotated[bool, Option("--raw", help="Store pixels instead of JPEG.")] = False,
    label: Annotated[
        Literal["vehicle", "model"], Option(help="What records carry.")
    ] = "vehicle",
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
    workers: Annotated[str | None, options.THREADS] = None,
    overwrite: Annotated[bool, options.OVERWRITE] = False,
) -> None:
    """Build an image LMDB of a data set.

    Caffe's Data and PairSetData layers read it. An interrupted build goes on
    when the same command is given again.

    Example: python tools/build_lmdb.py VehicleID_V1.0 --split train
    --output data/train_lmdb

    Example: python tools/build_lmdb.py own.txt --split all
    --output data/test_lmdb --labels data/train_lmdb
    """
    from pydrdl.check import print_problems
    from pydrdl.check.counts import count_images
    from pydrdl.check.images import DamageNotes
    from pydrdl.cluster import connected
    from pydrdl.datasets import images_of_split
    from pydrdl.lmdb.build import build_image_lmdb
    from pydrdl.lmdb.labels import read_labels, with_known_models

    where = options.workers_of(workers)
    folder = options.one_output(output, output_word)
    data = _open(dataset, root, labelled_only, as_models)
    found = images = images_of_split(data, split)
    model_ids = None if labels is None else read_labels(labels).model_ids
    if model_ids is not None:
        images = with_known_models(found, model_ids, labelled_only=labelled_only)
    damaged = DamageNotes()
    with connected(where if isinstance(where, str) else None) as cluster:
        summary = build_image_lmdb(
            images,
            data.root,
            folder,
            size=(size, size) if size else None,
            jpeg_quality=None if raw else quality,
            label=label,
            num_models=data.num_models,
            model_ids=model_ids,
            workers=where if isinstance(where, int) else None,
            cluster=cluster,
            overwrite=overwrite,
            progress=cli.progress,
            note=damaged,
        )
    print_problems(damaged.problems(), cli.stderr)
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
        cli.console.lines(_unknown(found, model_ids, labels))


def _open(path: Path, root: Path | None, labelled: bool, as_models: bool) -> "Dataset":
    """A data set as it is to be trained on."""
    from pydrdl.datasets import dataset as views
    from pydrdl.datasets import open_dataset

    data = open_dataset(path, root)
    data = views.labelled_only(data) if labelled else data
    return views.vehicles_as_models(data) if as_models else data


def _unknown(
    images: "tuple[Image, ...]", model_ids: tuple[int, ...], lmdb: Path | None
) -> str:
    """How many images have a model that the training LMDB lacks."""
    numbered = f"vehicle models are numbered as in {lmdb}"
    known = {-1, *model_ids}
    others = [image.model_id for image in images if image.model_id not in known]
    if not others:
        return f"{numbered}, which has all of them"
    of_images, of_models = plural(len(others), "image"), plural(len({*others}), "model")
    return f"{numbered}; {of_images} of {of_models} that it lacks: unlabelled (-1)"


MEANING = {
    "files": "index, labels, checksums, build.json agree",
    "data.mdb": "can be read to its end",
    "index": "is of this data.mdb",
    "keys": "number the records without gaps",
    "checksums": "values are as they were written",
    "images": "decode to the size that is stated",
    "labels": "are those of the record's vehicle",
    "data set": "has this list, order and ids",
    "pixels": "are those of the data set's images",
}


def _show(found: "LmdbVerification", faults: int) -> None:
    table = Table("", "", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("looked at", justify="right")
    table.add_column("faults", justify="right")
    for check, meaning in MEANING.items():
        looked, wrong = found.checked.get(check), found.faulty.get(check, 0)
        shown = f"{looked:,}" if looked else "not checked"
        table.add_row(check, meaning, shown, f"{wrong:,}" if looked or wrong else "")
    cli.console.print(table, "")
    lines = []
    for fault in found.faults[:faults]:
        parts = [] if fault.record is None else [f"record {fault.record}"]
        parts += [fault.key] if fault.key else []
        parts += [] if fault.vehicle is None else [f"vehicle {fault.vehicle}"]
        where = f" ({', '.join(parts)})" if parts else ""
        lines.append(f"{fault.check}: {fault.what}{where}")
    total = sum(found.faulty.values())
    if total > faults:
        lines.append(f"and {total - faults:,} more (--faults, --json)")
    verdict = "nothing is wrong" if found.whole else f"faults: {total:,}"
    lines.append(f"{found.folder}: {found.records:,} records, {verdict}")
    if set(found.faulty) & {"data set", "pixels"}:
        lines.append("next: name the data set and split that it was built from")
    if not found.whole:
        lines.append("next: build it again with tools/build_lmdb.py --overwrite")
    cli.console.lines(*lines)


def verify_lmdb(
    folder: Annotated[Path, Argument(metavar="LMDB", help="Folder to verify.")],
    dataset: Annotated[
        Path | None, Option(help="What it was built from; compares every image.")
    ] = None,
    split: Annotated[str | None, Option(help="As it was built.")] = None,
    root: Annotated[Path | None, options.ROOT] = None,
    labelled_only: Annotated[
        bool, Option("--labelled-only", help="As it was built.")
    ] = False,
    as_models: Annotated[
        bool, Option("--vehicles-as-models", help="As it was built.")
    ] = False,
    workers: Annotated[int | None, options.WORKERS] = None,
    faults: Annotated[int, Option(min=0, help="How many to show.")] = 10,
    json: Annotated[
        Path | None, options.json_file("all of it", "drdl.verify_lmdb")
    ] = None,
) -> None:
    """Verify an image LMDB, record by record.

    Exits with 1 where something is wrong. Every record is read, decoded and
    held against the pair index, the labels and the checksums in the LMDB's
    folder, and with --dataset against the image that it was made from: pixels
    exactly, JPEGs to 2 of 255 grey levels on average.

    Example: python tools/verify_lmdb.py data/train_lmdb
    --dataset VehicleID_V1.0 --split train
    """
    from pydrdl.datasets import images_of_split
    from pydrdl.lmdb.verify import verify_image_lmdb

    if (dataset is None) != (split is None):
        raise cli.wrong_use("give both or neither", "--dataset", "--split")
    images, start, num_models = None, Path(), 0
    if dataset is not None and split is not None:
        data = _open(dataset, root, labelled_only, as_models)
        images, start = images_of_split(data, split), data.root
        num_models = data.num_models
    found = verify_image_lmdb(
        folder,
        images,
        start,
        num_models=num_models,
        labelled_only=labelled_only,
        workers=workers,
        progress=cli.progress,
    )
    _show(found, faults)
    if json is not None:
        cli.write_json(json, found.to_json())
    if not found.whole:
        raise Exit(1)
