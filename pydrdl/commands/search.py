"""Ask a gallery with a photograph."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.table import Table
from typer import Argument, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.files import refuse_inputs

if TYPE_CHECKING:
    from pydrdl.arrays import Pixels
    from pydrdl.gallery.folder import GalleryFolder
    from pydrdl.gallery.query import Answer

ANOTHER = "give another photograph"


def moment(text: str | None, option: str) -> float | None:
    """Parses a time; None stays None."""
    from pydrdl.gallery.photographs import seconds

    if text is None:
        return None
    try:
        return seconds(text)
    except ValueError as error:
        raise cli.wrong_use(str(error), option) from error


def search(
    photo: Annotated[Path, Argument(help="A photograph of the vehicle.")],
    *,
    gallery: Annotated[Path, options.GALLERY],
    box: Annotated[
        str | None, Option(help="LEFT,TOP,RIGHT,BOTTOM of the vehicle in it, pixels.")
    ] = None,
    count: Annotated[int, Option(min=1, max=1000, help="Rows to show.")] = 10,
    rerank: Annotated[
        bool, Option("--rerank", help="Rank the first 100 by k-reciprocal neighbours.")
    ] = False,
    camera: Annotated[
        list[int] | None, Option(min=0, help="Of these cameras only; may be repeated.")
    ] = None,
    model: Annotated[
        list[int] | None, Option(min=0, help="Of these models only; may be repeated.")
    ] = None,
    not_camera: Annotated[
        list[int] | None, Option(min=0, help="Of none of these cameras.")
    ] = None,
    not_vehicle: Annotated[
        list[int] | None, Option(min=0, help="Of none of these vehicles.")
    ] = None,
    since: Annotated[
        str | None, Option(help="Taken then or later, such as 2026-11-29T14:00.")
    ] = None,
    until: Annotated[str | None, Option(help="Taken then or before.")] = None,
    net: Annotated[Path | None, options.NET] = None,
    weights: Annotated[Path | None, options.WEIGHTS] = None,
    gpu: Annotated[int | None, options.GPU] = None,
    strip: Annotated[
        Path | None, Option(help="Draw photograph and rows into this PNG (replaced).")
    ] = None,
    json: Annotated[
        Path | None, options.json_file("what was found", "drdl.answer")
    ] = None,
) -> None:
    """Find the rows of a gallery that are like a photograph.

    Nearest first, with the squared distance of the features and, where the
    gallery is calibrated, how probable it is that both show one vehicle.

    Example: drdl search photo.jpg --gallery cars --not-camera 3 --rerank
    """
    from pydrdl.datasets.dataset import Image
    from pydrdl.datasets.images import read_image
    from pydrdl.errors import InputError
    from pydrdl.gallery.folder import open_gallery
    from pydrdl.gallery.query import ask, box_of, input_of, open_net_of
    from pydrdl.gallery.rows import Wanted

    options.refuse_picture(strip, "--strip")
    refuse_inputs([strip], photo)
    try:
        wanted = Wanted(
            cameras=camera or (),
            models=model or (),
            not_cameras=not_camera or (),
            not_vehicles=not_vehicle or (),
            since=moment(since, "--since"),
            until=moment(until, "--until"),
        )
    except ValueError as error:
        raise cli.wrong_use(str(error), "--since") from error
    try:
        cut = None if box is None else box_of(box)
    except ValueError as error:
        raise cli.wrong_use(str(error), "--box") from error
    folder = open_gallery(gallery)
    pixels = read_image(Path(), Image(str(photo), -1), None, again=ANOTHER)
    extractor = open_net_of(folder, net=net, weights=weights, gpu=gpu)
    given = input_of(pixels, cut, extractor, photo)
    (vector,) = extractor([given], [str(photo)])
    answer = ask(folder, vector, count, wanted=wanted, reranked=rerank)
    if not answer.searched:
        advice = "correct the filters" if answer.rows else "add images with: drdl index"
        raise InputError(answer.hint, gallery, advice)
    if answer.hint:
        cli.stderr.lines(f"note: {answer.hint}")
    _print_answer(folder, answer)
    if json is not None:
        from pydrdl.gallery.forms import ANSWER_SCHEMA, answer_form

        content = answer_form(answer, folder.description).model_dump()
        cli.write_json(json, {"schema": ANSWER_SCHEMA, **content})
    if strip is not None:
        _draw(strip, pixels, cut, answer)


def _print_answer(folder: "GalleryFolder", answer: "Answer") -> None:
    from pydrdl.gallery.forms import model_name
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
        name = model_name(model, folder.description)
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
    from pydrdl.pictures import write_png

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
    write_png(path, draw_strip(query, cells), "the strip")
