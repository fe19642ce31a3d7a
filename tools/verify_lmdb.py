"""Reads an image LMDB again, record by record, and says what is wrong with it."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from pathlib import Path
from typing import Annotated

from rich import box
from rich.table import Table
from typer import Argument, BadParameter, Exit, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.datasets import images_of_split, open_dataset
from pydrdl.lmdb.verify import Verification, verify_image_lmdb

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


def _show(found: Verification, faults: int) -> None:
    table = Table("", "", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("looked at", justify="right")
    table.add_column("faults", justify="right")
    for check, meaning in MEANING.items():
        looked, wrong = found.checked.get(check), found.faulty.get(check, 0)
        number = f"{looked:,}" if looked else "not checked"
        table.add_row(check, meaning, number, f"{wrong:,}" if looked or wrong else "")
    cli.console.print(table, "")
    for fault in found.faults[:faults]:
        parts = [] if fault.record is None else [f"record {fault.record}"]
        parts += [fault.key] if fault.key else []
        parts += [] if fault.vehicle is None else [f"vehicle {fault.vehicle}"]
        where = f" ({', '.join(parts)})" if parts else ""
        cli.console.print(
            f"{fault.check}: {fault.what}{where}", markup=False, soft_wrap=True
        )
    total = sum(found.faulty.values())
    if total > faults:
        cli.console.print(f"and {total - faults:,} more (--faults, --json)")
    verdict = "nothing is wrong" if found.whole else f"faults: {total:,}"
    cli.console.print(
        f"{found.folder}: {found.records:,} records, {verdict}",
        markup=False,
        soft_wrap=True,
    )
    if set(found.faulty) & {"data set", "pixels"}:
        cli.console.print("next: name the data set and split that it was built from")
    if not found.whole:
        cli.console.print("next: build it again with tools/build_lmdb.py --overwrite")


def verify_lmdb(
    folder: Annotated[Path, Argument(metavar="LMDB", help="Folder to verify.")],
    dataset: Annotated[
        Path | None, Option(help="What it was built from; compares every image.")
    ] = None,
    split: Annotated[str | None, Option(help="As it was built.")] = None,
    root: Annotated[
        Path | None, Option(help="Folder that an image list's paths start from.")
    ] = None,
    labelled_only: Annotated[
        bool, Option("--labelled-only", help="As it was built.")
    ] = False,
    as_models: Annotated[
        bool, Option("--vehicles-as-models", help="As it was built.")
    ] = False,
    workers: Annotated[
        int | None, Option(min=1, help="Threads; one a processor by default.")
    ] = None,
    faults: Annotated[int, Option(min=0, help="How many to show.")] = 10,
    json: Annotated[Path | None, options.json_file("all of it")] = None,
) -> None:
    """Verify an image LMDB; exits with 1 where something is wrong.

    Every record is read, decoded and held against the pair index, the labels
    and the checksums in the LMDB's folder, and with --dataset against the
    image that it was made from: pixels exactly, JPEGs to 2 of 255 grey levels
    on average.

    Example: python tools/verify_lmdb.py data/train_lmdb
    --dataset VehicleID_V1.0 --split train
    """
    if (dataset is None) != (split is None):
        raise BadParameter("give both or neither", param_hint="--dataset, --split")
    images, start, num_models = None, Path(), 0
    if dataset is not None and split is not None:
        data = open_dataset(dataset, root)
        if labelled_only:
            data = dataset.labelled_only(data)
        if as_models:
            data = dataset.vehicles_as_models(data)
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


if __name__ == "__main__":
    cli.run(verify_lmdb)
