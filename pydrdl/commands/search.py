"""Vehicle search: index a gallery, ask it, serve it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.table import Table
from typer import Argument, BadParameter, Exit, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.files import is_folder

if TYPE_CHECKING:
    from pydrdl.arrays import Pixels
    from pydrdl.check.images import DamageNotes
    from pydrdl.gallery.fill import Filled
    from pydrdl.gallery.folder import GalleryFolder
    from pydrdl.gallery.photographs import Labels
    from pydrdl.gallery.query import Answer
    from pydrdl.gallery.rows import Wanted

SHOWN = 5  # unreadable images that are named
GALLERY = Option(metavar="FOLDER", show_default=False, help="The gallery's folder.")
GPU = Option(min=0, help="Number of the GPU; the CPU by default.")
NET = Option(help="Its deploy.prototxt; where it lay before by default.")
WEIGHTS = Option(help="Its .caffemodel; where they lay before by default.")


def index(
    source: Annotated[
        Path,
        Argument(help="Features, a data set, an image list, or photographs' folder."),
    ],
    *,
    gallery: Annotated[Path, GALLERY],
    net: Annotated[Path | None, NET] = None,
    weights: Annotated[Path | None, WEIGHTS] = None,
    split: Annotated[str, Option(help="Of a data set.")] = "all",
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
    batch: Annotated[int, Option(min=1, help="Images of one pass.")] = 32,
    gpu: Annotated[int | None, GPU] = None,
) -> None:
    """Add images to a gallery that can be searched.

    What is in it already is not computed again, so that an interrupted command
    goes on when it is given again, and a folder that has grown is indexed by the
    same command. Features with vehicle ids calibrate the probabilities too, the
    first time.

    Example: drdl index test_800.h5 --root VehicleID_V1.0 --gallery cars
    """
    from pydrdl.check import print_problems
    from pydrdl.check.images import DamageNotes
    from pydrdl.gallery import photographs
    from pydrdl.gallery.lance import import_lancedb

    import_lancedb()
    table = photographs.NONE if labels is None else photographs.read_labels(labels)
    damaged = DamageNotes()
    if source.suffix in (".h5", ".hdf5"):
        folder, filled = _index_features(source, gallery, root, table)
        calibrate = calibrate or _calibrates(source, folder)
    else:
        folder, filled = _index_images(
            source, gallery, net, weights, split, root, table, batch, gpu, damaged
        )
    print_problems(damaged.problems(), cli.stderr)
    folder.rows.bring_up_to_date()
    if calibrate is not None:
        folder = _calibrate(folder, calibrate)
    _print_filled(folder, filled)
    if filled.unreadable:
        raise Exit(1)


def _index_features(
    source: Path, gallery: Path, root: Path | None, table: "Labels"
) -> "tuple[GalleryFolder, Filled]":
    from pydrdl.features.file import read_in_pieces
    from pydrdl.gallery.fill import add_features
    from pydrdl.gallery.folder import Origin, make_gallery

    content = read_in_pieces(source)
    folder = make_gallery(gallery, Origin.of(content.rows.source), content.width)
    filled = add_features(
        folder, content, source, root=root, labels=table, progress=cli.progress
    )
    return folder, filled


def _index_images(
    source: Path,
    gallery: Path,
    net: Path | None,
    weights: Path | None,
    split: str,
    root: Path | None,
    table: "Labels",
    batch: int,
    gpu: int | None,
    damaged: "DamageNotes",
) -> "tuple[GalleryFolder, Filled]":
    from pydrdl.datasets import LAYOUTS, images_of_split, open_dataset
    from pydrdl.datasets.dataset import unique_images
    from pydrdl.files import exists
    from pydrdl.gallery.fill import add_images
    from pydrdl.gallery.folder import FILE_NAME, Origin, make_gallery, open_gallery
    from pydrdl.gallery.photographs import find_photographs
    from pydrdl.gallery.query import open_net_of

    known = all(layout.missing(source) for layout in LAYOUTS)
    plain = is_folder(source) and root is None and known
    names: dict[str, str] = {}
    if plain:
        images, folder_of = find_photographs(source), source
    else:
        data = open_dataset(source, root)
        found = unique_images(data) if split == "all" else images_of_split(data, split)
        images, folder_of = list(found), data.root
        names = {str(number): name for number, name in data.model_names.items()}
    if exists(gallery / FILE_NAME):
        folder = open_gallery(gallery)
        extractor = open_net_of(folder, net=net, weights=weights, gpu=gpu)
    else:
        from pydrdl.features.extract import open_extractor

        if net is None or weights is None:
            raise BadParameter("a gallery that is begun needs --net and --weights")
        extractor = open_extractor(net, weights=weights, gpu=gpu)
        origin = Origin.of(extractor.source)
        folder = make_gallery(gallery, origin, extractor.width)
    filled = add_images(
        folder,
        extractor,
        images,
        folder_of,
        batch=batch,
        labels=table,
        ask_camera=plain,
        progress=cli.progress,
        note=damaged,
    )
    return folder.describe(model_names=names), filled


def _calibrates(source: Path, folder: "GalleryFolder") -> Path | None:
    """The features, where nothing has calibrated yet and their ids can."""
    import numpy as np

    from pydrdl.features.file import read_in_pieces

    if folder.description.calibration is not None:
        return None
    _, many = np.unique(read_in_pieces(source).rows.vehicle_ids, return_counts=True)
    return source if (many > 1).sum() >= 4 else None


def _calibrate(folder: "GalleryFolder", path: Path) -> "GalleryFolder":
    from pydrdl.features import read_features
    from pydrdl.gallery.folder import Origin
    from pydrdl.gallery.probability import calibrate

    content = read_features(path)
    folder.check(Origin.of(content.source), content.features.shape[1], path)
    found = calibrate(content, path)
    table = Table("probability stated", "share found", "pairs")
    for part in found.curve:
        table.add_row(f"{part.stated:.3f}", f"{part.found:.3f}", f"{part.pairs:,}")
    cli.console.lines(
        f"probabilities: from {found.images:,} images of {found.vehicles:,} vehicles; "
        f"mean error {found.error:.3f} on vehicles that were left out"
    )
    cli.console.print(table)
    return folder.describe(calibration=found)


def _print_filled(folder: "GalleryFolder", filled: "Filled") -> None:
    said = [f"{filled.new:,} added", f"{filled.known:,} were there"]
    if filled.unreadable:
        said.append(f"{len(filled.unreadable):,} cannot be read")
    cli.console.lines(
        f"{folder.path}: {', '.join(said)}; {folder.rows.count():,} in all"
    )
    for error in filled.unreadable[:SHOWN]:
        cli.stderr.lines(f"skipped: {error.where}: {error.what}")
    if len(filled.unreadable) > SHOWN:
        cli.stderr.lines(f"skipped: {len(filled.unreadable) - SHOWN:,} more")


def four_numbers(text: str) -> tuple[int, int, int, int]:
    """Parses "10,20,200,180"."""
    try:
        left, top, right, bottom = map(int, text.split(","))
    except ValueError as error:
        raise BadParameter(
            f"{text!r}; expected LEFT,TOP,RIGHT,BOTTOM such as 10,20,200,180"
        ) from error
    return left, top, right, bottom


def moment(text: str | None, option: str) -> float | None:
    """Parses a time; None stays None."""
    from pydrdl.gallery.photographs import seconds

    if text is None:
        return None
    try:
        return seconds(text)
    except ValueError as error:
        raise BadParameter(str(error), param_hint=f"'{option}'") from error


def search(
    photo: Annotated[Path, Argument(help="A photograph of the vehicle.")],
    *,
    gallery: Annotated[Path, GALLERY],
    box: Annotated[
        str | None, Option(help="LEFT,TOP,RIGHT,BOTTOM of the vehicle in it, pixels.")
    ] = None,
    count: Annotated[int, Option(min=1, max=1000, help="Rows to show.")] = 10,
    rerank: Annotated[
        bool, Option("--rerank", help="Rank the first 100 by k-reciprocal neighbours.")
    ] = False,
    camera: Annotated[
        list[int] | None, Option(help="Of these cameras only; may be repeated.")
    ] = None,
    model: Annotated[
        list[int] | None, Option(help="Of these models only; may be repeated.")
    ] = None,
    not_camera: Annotated[
        list[int] | None, Option(help="Of none of these cameras.")
    ] = None,
    not_vehicle: Annotated[
        list[int] | None, Option(help="Of none of these vehicles.")
    ] = None,
    since: Annotated[
        str | None, Option(help="Taken then or later, such as 2026-11-29T14:00.")
    ] = None,
    until: Annotated[str | None, Option(help="Taken then or before.")] = None,
    net: Annotated[Path | None, NET] = None,
    weights: Annotated[Path | None, WEIGHTS] = None,
    gpu: Annotated[int | None, GPU] = None,
    strip: Annotated[
        Path | None, Option(help="Draw photograph and rows into this PNG (replaced).")
    ] = None,
    json: Annotated[Path | None, options.json_file("what was found")] = None,
) -> None:
    """Find the rows of a gallery that are like a photograph.

    Nearest first, with the squared distance of the features and, where the
    gallery is calibrated, how probable it is that both show one vehicle.

    Example: drdl search photo.jpg --gallery cars --not-camera 3 --rerank
    """
    from pydrdl.datasets.dataset import Image
    from pydrdl.datasets.images import read_image
    from pydrdl.gallery.folder import open_gallery
    from pydrdl.gallery.query import ask, input_of, open_net_of
    from pydrdl.gallery.rows import Wanted

    wanted = Wanted(
        cameras=camera or (),
        models=model or (),
        not_cameras=not_camera or (),
        not_vehicles=not_vehicle or (),
        since=moment(since, "--since"),
        until=moment(until, "--until"),
    )
    cut = None if box is None else four_numbers(box)
    folder = open_gallery(gallery)
    pixels = read_image(Path(), Image(str(photo), -1), None)
    extractor = open_net_of(folder, net=net, weights=weights, gpu=gpu)
    given = input_of(pixels, cut, extractor, photo)
    (vector,) = extractor([given], [str(photo)])
    answer = ask(folder, vector, count, wanted=wanted, reranked=rerank)
    _print_answer(folder, answer, wanted)
    if json is not None:
        from pydrdl.gallery.forms import ANSWER_SCHEMA, answer_form

        content = answer_form(answer, folder.description).model_dump()
        cli.write_json(json, {"schema": ANSWER_SCHEMA, **content})
    if strip is not None:
        _draw(strip, pixels, cut, answer)


def _print_answer(folder: "GalleryFolder", answer: "Answer", wanted: "Wanted") -> None:
    from pydrdl.gallery.photographs import shown_time

    odds = folder.description.calibration is not None
    table = Table()
    for name in ("", "distance", *(["probability"] if odds else [])):
        table.add_column(name, justify="right")
    for name in ("vehicle", "model", "camera", "time"):
        table.add_column(name, justify="right")
    table.add_column("image", overflow="fold")
    for number, match in enumerate(answer.matches, 1):
        image, time = match.row.image, match.row.time
        probability = [] if match.probability is None else [f"{match.probability:.3f}"]
        known = (image.vehicle_id, image.model_id, image.camera_id)
        table.add_row(
            str(number),
            f"{match.distance:.4g}",
            *probability,
            *("" if value < 0 else str(value) for value in known),
            "" if time is None else shown_time(time),
            image.path,
        )
    cli.console.print(table)
    told = f"{answer.searched:,} of {answer.rows:,} rows searched"
    if answer.model is not None:
        model, many, of = answer.model
        name = folder.description.model_names.get(str(model), str(model))
        told += f"; {many} of the first {of} are of model {name}"
    cli.console.lines(told)


def _draw(
    path: Path,
    pixels: "Pixels",
    box: tuple[int, int, int, int] | None,
    answer: "Answer",
) -> None:
    """Writes the strip."""
    from pydrdl.datasets.images import cut_out, read_image
    from pydrdl.errors import InputError
    from pydrdl.gallery.strip import draw_strip
    from pydrdl.report.contact_sheet import write_png

    cells = []
    for match in answer.matches:
        image = match.row.image
        try:
            shown = read_image(Path(match.row.root), image, None)
        except InputError:  # it may lie elsewhere now, and was found all the same
            shown = None
        lines = [f"d {match.distance:.4g}"]
        if match.probability is not None:
            lines[0] += f"  p {match.probability:.2f}"
        lines += [f"vehicle {image.vehicle_id}"] if image.vehicle_id >= 0 else []
        lines += [f"camera {image.camera_id}"] if image.camera_id >= 0 else []
        cells.append((shown, lines))
    query = pixels if box is None else cut_out(pixels, box)
    write_png(path, draw_strip(query, cells))


def serve(
    *,
    gallery: Annotated[Path, GALLERY],
    host: Annotated[str, Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, Option(min=0, max=65_535, help="The same; 0 takes a free one.")
    ] = 8080,
    net: Annotated[Path | None, NET] = None,
    weights: Annotated[Path | None, WEIGHTS] = None,
    gpu: Annotated[int | None, GPU] = None,
) -> None:
    """Serve a gallery: a page to search from, and an API.

    Prints the address to open, with a token without which nothing is answered
    (DRDL_TOKEN gives one of your own). It is reached from this machine only,
    unless --host says otherwise. Ctrl-C ends it.

    Example: drdl serve --gallery cars
    """
    from pydrdl.gallery.lance import import_lancedb, import_server

    import_lancedb()
    import_server()
    from pydrdl.gallery.server.run import serve as run

    def tell(address: str) -> None:
        cli.console.lines(f"open {address}")
        cli.console.flush()

    run(gallery, host=host, port=port, net=net, weights=weights, gpu=gpu, tell=tell)
