"""Heat maps of two photographs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.files import refuse_existing, refuse_inputs

if TYPE_CHECKING:
    from pydrdl.explain.maps import Explanation
    from pydrdl.features.file import Source

SCHEMA = "drdl.explanation/1"
BOX = "LEFT,TOP,RIGHT,BOTTOM of the vehicle in {}, pixels."


def explain(
    first: Annotated[Path, Argument(metavar="A", help="A photograph.")],
    second: Annotated[Path, Argument(metavar="B", help="Another one.")],
    *,
    output: Annotated[
        Path | None, options.output("PNG to draw, the maps over the photographs.")
    ] = None,
    json: Annotated[
        Path | None, options.json_file("distance and maps", "drdl.explanation")
    ] = None,
    net: Annotated[Path, Option(help="Its deploy.prototxt.")],
    weights: Annotated[Path | None, Option(help="Its .caffemodel.")] = None,
    untrained: Annotated[int | None, options.UNTRAINED] = None,
    layer: Annotated[
        str | None, Option(help="Blob to read; the net's last top by default.")
    ] = None,
    blob: Annotated[
        list[str] | None,
        Option(
            help="Take activations of this blob, such as conv5; may be repeated. By "
            "default of what the last convolutions make."
        ),
    ] = None,
    first_box: Annotated[str | None, Option(help=BOX.format("A"))] = None,
    second_box: Annotated[str | None, Option(help=BOX.format("B"))] = None,
    resize: Annotated[int | None, options.RESIZE] = None,
    mean: Annotated[str | None, options.MEAN] = None,
    gpu: Annotated[int | None, options.GPU] = None,
    overwrite: Annotated[bool, options.OVERWRITE] = False,
) -> None:
    """Show which parts make two photographs near or far.

    Two maps over each: the gradient of the squared distance of their features, and
    class activation (Grad-CAM), red where it makes them far and blue where near.

    Example: drdl explain a.jpg b.jpg --net deploy.prototxt
    --weights mixed.caffemodel --output why.png
    """
    from pydrdl.datasets.dataset import Image
    from pydrdl.datasets.images import cut_out, read_image
    from pydrdl.explain.maps import explain_pair
    from pydrdl.explain.picture import draw_explanation
    from pydrdl.features.extract import open_extractor
    from pydrdl.gallery.query import box_of, input_of
    from pydrdl.pictures import write_png

    refuse_inputs([output], first, second, net, weights)
    if output is None and json is None:
        raise cli.wrong_use("say what to make", "--output", "--json")
    options.refuse_weights(weights, untrained)
    options.refuse_picture(output, "--output")
    if output is not None:
        refuse_existing(output, overwrite=overwrite)
    try:
        boxes = [
            None if one is None else box_of(one) for one in (first_box, second_box)
        ]
    except ValueError as error:
        raise cli.wrong_use(str(error), "--first-box", "--second-box") from error
    paths = (first, second)
    again = "give another photograph"
    whole = [read_image(Path(), Image(str(p), -1), None, again=again) for p in paths]
    extractor = open_extractor(
        net,
        weights=weights,
        untrained=untrained,
        layer=layer,
        resize=resize,
        mean=options.bgr_of(mean),
        gpu=gpu,
        backward=True,
    )
    inputs = [
        input_of(pixels, box, extractor, path)
        for pixels, box, path in zip(whole, boxes, paths, strict=True)
    ]
    names = [str(path) for path in paths]
    found = explain_pair(
        extractor, (inputs[0], inputs[1]), names, list(dict.fromkeys(blob or ()))
    )
    if output is not None:
        shown = [
            pixels if box is None else cut_out(pixels, box)
            for pixels, box in zip(whole, boxes, strict=True)
        ]
        picture = draw_explanation(shown, names, found, extractor.preprocess)
        write_png(output, picture, "the maps")
    if json is not None:
        cli.write_json(json, _content(names, found, extractor.source))
    told = f"squared distance {found.distance:.4g}"
    if found.blobs:
        told += f"; activations of {', '.join(found.blobs)}"
    cli.console.lines(told)


def _content(
    names: list[str], found: "Explanation", source: "Source"
) -> dict[str, Any]:
    """What the maps are, as JSON; six digits of each value."""

    def rows(values: Any) -> list[list[float]] | None:
        if values is None:
            return None
        return [[float(f"{value:.6g}") for value in row] for row in values.tolist()]

    return {
        "schema": SCHEMA,
        **source.model_dump(include={*SOURCE}),
        "squared_distance": found.distance,
        "blobs": list(found.blobs),
        "photographs": [
            {
                "path": name,
                "gradient": rows(m.gradient),
                "activation": rows(m.activation),
            }
            for name, m in zip(names, found.maps, strict=True)
        ],
    }


SOURCE = ("net", "net_sha256", "weights", "weights_sha256", "layer", "preprocess")
