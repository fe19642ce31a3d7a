"""Add images to a gallery."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.table import Table
from typer import Argument, Exit, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.errors import InputError
from pydrdl.files import exists, is_folder

if TYPE_CHECKING:
    from pydrdl.check.images import DamageNotes
    from pydrdl.features.extract import Extractor
    from pydrdl.gallery.fill import Filled
    from pydrdl.gallery.folder import GalleryFolder, Origin
    from pydrdl.gallery.photographs import Labels
    from pydrdl.gallery.probability import Calibration

ROOT = "name with --root the folder that the images' paths start from"
SHOWN = 5  # unreadable images, or paths, that are named


@dataclass(frozen=True)
class _Work:
    """What is to be put into a gallery."""

    origin: "Origin"  # what made its features, or will
    width: int
    names: Sequence[str]  # of the images
    fill: "Callable[[GalleryFolder], Filled]"
    calibrates: bool = False  # it is features with ids, which can
    model_names: dict[str, str] = field(default_factory=dict)


def index(
    source: Annotated[
        Path,
        Argument(help="Features, a data set, an image list, or photographs' folder."),
    ],
    *,
    gallery: Annotated[Path, options.GALLERY],
    net: Annotated[Path | None, options.NET] = None,
    weights: Annotated[Path | None, options.WEIGHTS] = None,
    split: Annotated[str | None, Option(help="Of a data set; default: all.")] = None,
    root: Annotated[
        Path | None, Option(help="Folder that paths of features or a list start from.")
    ] = None,
    labels: Annotated[
        Path | None,
        Option(help="CSV: path, vehicle_id, model_id, camera_id, time."),
    ] = None,
    calibrate: Annotated[
        Path | None,
        Option(help="Features with ids that probabilities are learned from."),
    ] = None,
    restore: Annotated[
        bool, Option("--restore", help="Add images too that were deleted.")
    ] = False,
    batch: Annotated[int, Option(min=1, help="Images of one pass.")] = 32,
    gpu: Annotated[int | None, options.GPU] = None,
) -> None:
    """Add images to a gallery that can be searched.

    What is in it already is not computed again, so that an interrupted command
    goes on when it is given again, and a folder that has grown is indexed by the
    same command. What was deleted stays deleted. Features with vehicle ids
    calibrate the probabilities too, the first time.

    Example: drdl index test_800.h5 --root VehicleID_V1.0 --gallery cars
    """
    from pydrdl.check import print_problems
    from pydrdl.check.images import DamageNotes
    from pydrdl.gallery import photographs
    from pydrdl.gallery.extra import import_lancedb
    from pydrdl.gallery.folder import filling

    import_lancedb()
    table = photographs.NONE if labels is None else photographs.read_labels(labels)
    damaged = DamageNotes()
    if not exists(source):
        raise InputError("no such file or folder", source, "check the path")
    if source.suffix in (".h5", ".hdf5"):
        for option, value in (("--net", net), ("--weights", weights),
                              ("--split", split), ("--gpu", gpu)):  # fmt: skip
            if value is not None:
                raise cli.wrong_use("features are taken as they are", option)
        work = _of_features(source, root, table, restore)
    else:
        extractor = (gallery, net, weights, gpu)
        work = _of_images(
            source, split, root, extractor, table, restore, batch, damaged
        )
    if labels is not None:
        _note_unused(table, labels, work.names)
    with filling(gallery, work.origin, work.width) as folder:
        learned = None if calibrate is None else _calibration(folder, calibrate)
        filled = work.fill(folder)
        print_problems(damaged.problems(), cli.stderr)
        folder.rows.bring_up_to_date()
        if learned is None and work.calibrates and not folder.description.calibration:
            learned = _calibration(folder, source)
        if learned is not None:
            _print_calibration(learned)
        folder.describe(model_names=work.model_names, calibration=learned)
        _print_filled(folder, filled)
    if labels is not None and filled.known:
        _note("what was there keeps the labels that it had")
    if filled.unreadable:
        raise Exit(1)


def _of_features(
    source: Path, root: Path | None, table: "Labels", restore: bool
) -> _Work:
    """A features file."""
    import numpy as np

    from pydrdl.features.file import read_in_pieces
    from pydrdl.gallery.fill import add_features
    from pydrdl.gallery.folder import Origin
    from pydrdl.gallery.photographs import missing_below

    content = read_in_pieces(source)
    rows = content.rows
    if root is not None and (note := missing_below(root, rows.names, ROOT)):
        _note(note)

    def fill(folder: "GalleryFolder") -> "Filled":
        return add_features(
            folder,
            content,
            source,
            root=root,
            labels=table,
            restore=restore,
            progress=cli.progress,
        )

    _, many = np.unique(rows.vehicle_ids[rows.vehicle_ids >= 0], return_counts=True)
    calibrates = bool((many > 1).sum() >= 4)
    return _Work(Origin.of(rows.source), content.width, rows.names, fill, calibrates)


def _of_images(
    source: Path,
    split: str | None,
    root: Path | None,
    extractor_of: tuple[Path, Path | None, Path | None, int | None],
    table: "Labels",
    restore: bool,
    batch: int,
    damaged: "DamageNotes",
) -> _Work:
    """A data set, an image list or a folder of photographs."""
    from pydrdl.datasets import LAYOUTS, images_of_split, open_dataset
    from pydrdl.datasets.dataset import unique_images
    from pydrdl.gallery.fill import add_images
    from pydrdl.gallery.folder import Origin
    from pydrdl.gallery.photographs import (
        ENDINGS,
        find_photographs,
        missing_below,
    )

    known = all(layout.missing(source) for layout in LAYOUTS)
    plain = is_folder(source) and root is None and known
    names: dict[str, str] = {}
    if plain and split is not None:
        raise cli.wrong_use("a folder of photographs has none", "--split")
    if source.suffix.lower() in ENDINGS and not is_folder(source):
        advice = "name the folder that it is in"
        raise InputError("a photograph, and no list of them", source, advice)
    if plain:
        images, folder_of = find_photographs(source), source
    else:
        data = open_dataset(source, root)
        split = split or "all"
        found = unique_images(data) if split == "all" else images_of_split(data, split)
        images, folder_of = list(found), data.root
        names = {str(number): name for number, name in data.model_names.items()}
        # Those that are gone are told one by one.
        advice = "get the data set's images" if is_folder(source) else ROOT
        missing_below(folder_of, [image.path for image in images], advice)
    extractor = _open_net(*extractor_of)

    def fill(folder: "GalleryFolder") -> "Filled":
        return add_images(
            folder,
            extractor,
            images,
            folder_of,
            batch=batch,
            labels=table,
            restore=restore,
            ask_camera=plain,
            progress=cli.progress,
            note=damaged,
        )

    origin = Origin.of(extractor.source)
    paths = [image.path for image in images]
    return _Work(origin, extractor.width, paths, fill, model_names=names)


def _open_net(
    gallery: Path, net: Path | None, weights: Path | None, gpu: int | None
) -> "Extractor":
    """The net of a gallery that is there, or that one is begun with."""
    from pydrdl.features.extract import open_extractor
    from pydrdl.files import exists
    from pydrdl.gallery.folder import FILE_NAME, open_gallery
    from pydrdl.gallery.query import open_net_of

    if exists(gallery / FILE_NAME):
        folder = open_gallery(gallery)
        folder.refuse_read_only()
        return open_net_of(folder, net=net, weights=weights, gpu=gpu)
    if net is None or weights is None:
        raise cli.wrong_use("a gallery that is begun needs both", "--net", "--weights")
    return open_extractor(net, weights=weights, gpu=gpu)


def _note_unused(table: "Labels", labels: Path, names: Sequence[str]) -> None:
    """Tells which lines of the labels are of no image; refuses labels of none."""
    unused = table.unused(names)
    if not unused:
        return
    if len(unused) == len(table.ids):
        raise InputError(
            f"none of the {len(unused):,} paths of the labels is that of an image, "
            f"such as {names[0]}",
            labels,
            "write paths as they stand in the source, from its root",
        )
    shown = ", ".join(unused[:SHOWN]) + (", ..." if len(unused) > SHOWN else "")
    many = f"{len(unused):,} of {len(table.ids):,}"
    _note(f"{labels}: {many} paths are of no image: {shown}")


def _calibration(folder: "GalleryFolder", path: Path) -> "Calibration":
    from pydrdl.features import read_features
    from pydrdl.gallery.folder import Origin
    from pydrdl.gallery.probability import calibrate

    content = read_features(path)
    folder.check(Origin.of(content.source), content.features.shape[1], path)
    return calibrate(content, path)


def _print_calibration(found: "Calibration") -> None:
    table = Table("probability stated", "share found", "pairs")
    for part in found.curve:
        table.add_row(f"{part.stated:.3f}", f"{part.found:.3f}", f"{part.pairs:,}")
    cli.console.lines(
        f"probabilities: from {found.images:,} images of {found.vehicles:,} vehicles; "
        f"mean error {found.error:.3f} on vehicles that were left out"
    )
    cli.console.print(table)


def _print_filled(folder: "GalleryFolder", filled: "Filled") -> None:
    said = [f"{filled.new:,} added", f"{filled.known:,} were there"]
    if filled.deleted:
        said.append(f"{filled.deleted:,} stay deleted (--restore adds them)")
    if filled.unreadable:
        said.append(f"{len(filled.unreadable):,} cannot be read")
    cli.console.lines(
        f"{folder.path}: {', '.join(said)}; {folder.rows.count():,} in all"
    )
    for root, many in filled.elsewhere.items():
        _note(
            f"{many:,} of those that were there have {root} for their root, and keep it"
        )
    for error in filled.unreadable[:SHOWN]:
        cli.stderr.lines(f"skipped: {error.where}: {error.what}")
    if len(filled.unreadable) > SHOWN:
        cli.stderr.lines(f"skipped: {len(filled.unreadable) - SHOWN:,} more")


def _note(text: str) -> None:
    cli.stderr.lines(f"note: {text}")
