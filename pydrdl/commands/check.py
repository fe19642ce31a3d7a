"""Data sets on disk: whether they are whole, what they show, and lists of one's own."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Exit, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.files import refuse_existing, write_texts

if TYPE_CHECKING:
    from pydrdl.datasets import Dataset

Splits = Annotated[
    list[str] | None, Option(help="Only this split; may be repeated. Default: all.")
]


def check(
    dataset: Annotated[Path, options.DATASET],
    root: Annotated[Path | None, options.ROOT] = None,
    split: Splits = None,
    positives: Annotated[
        int, Option(min=1, help="Images of one vehicle in a training set.")
    ] = 5,
    negatives: Annotated[
        int, Option(min=1, help="Images of other vehicles in a training set.")
    ] = 5,
    fast: Annotated[
        bool, Option("--fast", help="Look at names and sizes only, decode nothing.")
    ] = False,
    workers: Annotated[int | None, options.WORKERS] = None,
    json: Annotated[
        Path | None, options.json_file("the findings", "drdl.dataset_check")
    ] = None,
) -> None:
    """Say what a data set holds and what is wrong with it.

    Counts stand beside the paper's and the release's. Exits with 1 where there
    is an error: training or evaluation would stop, or learn or measure
    something false. Warnings and infos do not change the exit code.

    Example: python tools/dataset.py check VehicleID_V1.0
    """
    from pydrdl import check as checks
    from pydrdl.datasets import open_dataset

    data = open_dataset(dataset, root)
    checkup = checks.check_dataset(
        select(data, split),
        positives=positives,
        negatives=negatives,
        whole=not split,
        fast=fast,
        workers=workers,
        progress=cli.progress,
    )
    cli.console.print(checks.counts_table(checkup), "")
    cli.console.lines(*(f"{note}\n" for note in checks.notes(checkup)))
    checks.print_problems(checkup.problems, cli.console)
    cli.console.lines(checks.summary(checkup))
    if json is not None:
        cli.write_json(json, checks.checkup_json(checkup))
    if not checkup.fit:
        raise Exit(1)


def show(
    dataset: Annotated[Path, options.DATASET],
    output: Annotated[Path, options.output("PNG file to make.")],
    root: Annotated[Path | None, options.ROOT] = None,
    split: Splits = None,
    vehicles: Annotated[int, Option(min=1, help="Rows.")] = 6,
    images: Annotated[int, Option(min=1, help="Photographs of each vehicle.")] = 5,
    neighbours: Annotated[
        int, Option(min=0, help="Other vehicles of its model beside it.")
    ] = 3,
    seed: Annotated[int, options.seed("Of the choice.")] = 0,
    size: Annotated[
        int, Option(min=32, max=1024, help="Pixels a side of a photograph.")
    ] = 144,
    overwrite: Annotated[bool, options.OVERWRITE] = False,
) -> None:
    """Draw a contact sheet of a data set.

    Vehicles stand in rows, beside each others of its model.
    Photographs are cut to the vehicle's box where the data set has one.

    Example: python tools/dataset.py show VehicleID_V1.0 --output sheet.png
    """
    from pydrdl.check import print_problems
    from pydrdl.check.images import DamageNotes
    from pydrdl.datasets import open_dataset
    from pydrdl.datasets.dataset import unique_images
    from pydrdl.datasets.images import read_image
    from pydrdl.pictures import write_png
    from pydrdl.report.contact_sheet import choose_rows, contact_sheet

    options.refuse_other_than_png(output, "--output")
    refuse_existing(output, overwrite=overwrite)
    data = open_dataset(dataset, root)
    chosen = choose_rows(
        unique_images(select(data, split)), vehicles, images, neighbours, seed
    )
    damaged = DamageNotes()
    sheet = contact_sheet(
        chosen, size, lambda image: read_image(data.root, image, None, damaged)
    )
    write_png(output, sheet, "the sheet")
    print_problems(damaged.problems(), cli.stderr)
    height, width = sheet.shape[:2]
    cli.console.lines(f"{output}: {len(chosen)} vehicles, {width} x {height} pixels")


def select(dataset: "Dataset", splits: list[str] | None) -> "Dataset":
    """The data set with some of its splits; None: all."""
    from pydrdl.datasets import images_of_split

    if not splits:
        return dataset
    kept = {name: images_of_split(dataset, name) for name in splits}
    return replace(dataset, splits=kept, pairs={})


def two_camera_lists(
    folder: Annotated[Path, Argument(help="Holds <class>_<number>_cam<n>.jpg")],
    output_word: Annotated[Path | None, options.OUTPUT_WORD] = None,
    *,
    output: Annotated[
        Path | None, options.output("Folder for train.txt and test.txt.")
    ] = None,
    test_vehicles: Annotated[
        int | None, Option(min=1, help="Vehicles to test; default: 100.")
    ] = None,
    train_vehicles: Annotated[
        int, Option(min=0, help="Vehicles to train on; 0: all others.")
    ] = 0,
    folds: Annotated[
        int | None,
        Option(min=2, help="Parts of the vehicles, to test one after another."),
    ] = None,
    fold: Annotated[
        int | None,
        Option(min=1, help="Which of --folds to test; default: the first."),
    ] = None,
    seed: Annotated[int, options.seed("Of the split.")] = 0,
    overwrite: Annotated[bool, options.OVERWRITE] = False,
) -> None:
    """Write image lists of vehicles seen by two cameras.

    train.txt and test.txt hold different vehicles.

    Example: python tools/two_camera_lists.py twocam/images
    --output data/twocam
    """
    from pydrdl.datasets.image_list import image_list_lines, read_two_camera

    made = options.one_output(output, output_word)
    if fold is not None and folds is None:
        raise cli.wrong_use("goes with --folds", "--fold")
    if folds is not None and test_vehicles is not None:
        raise cli.wrong_use("a fold is tested", "--test-vehicles", "--folds")
    part = None if folds is None else (fold or 1, folds)
    if part is not None and part[0] > part[1]:
        raise cli.wrong_use(f"fold {fold} of {folds}", "--fold")
    dataset = read_two_camera(folder, test_vehicles or 100, seed, part)
    lists, said = {}, []
    for split, images in dataset.splits.items():
        ids = list(dict.fromkeys(image.vehicle_id for image in images))
        if split == "train" and train_vehicles:
            ids = ids[:: max(1, len(ids) // train_vehicles)][:train_vehicles]
        kept = [image for image in images if image.vehicle_id in set(ids)]
        lines = "\n".join(image_list_lines(kept))
        path = made / f"{split}.txt"
        lists[path] = (lines + "\n").encode(errors="surrogateescape")
        said.append(f"{path}: {len(kept)} images of {len(ids)} vehicles")
    write_texts(lists, "the lists", overwrite=overwrite)
    cli.console.lines(*said)
