"""Trained nets for other programs."""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.errors import InputError, writing
from pydrdl.files import (
    refuse_existing,
    refuse_inputs,
    refuse_unwritable,
    write_together,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pydrdl.arrays import Pixels
    from pydrdl.features.extract import Extractor

TOLERANCE, HALF = 1e-4, 2e-2  # of the largest value
IMAGES = 16  # that Caffe and the model are compared on
# Of what is made, the second beside the first; onnx takes any name.
ENDINGS = {"onnx": (), "opencv": (".prototxt", ".caffemodel"), "torch": (".py", ".pt")}


def export(
    *,
    output: Annotated[
        Path,
        options.output(
            "File to make: ONNX; a .prototxt, its .caffemodel beside it; or a .py, its "
            "weights (.pt) beside it."
        ),
    ],
    net: Annotated[Path, Option(help="Its deploy.prototxt.")],
    weights: Annotated[Path | None, Option(help="Its .caffemodel.")] = None,
    untrained: Annotated[int | None, options.UNTRAINED] = None,
    layer: Annotated[
        str | None, Option(help="Blob to end at; the net's last top by default.")
    ] = None,
    resize: Annotated[int | None, options.RESIZE] = None,
    mean: Annotated[str | None, options.MEAN] = None,
    format: Annotated[
        Literal["onnx", "opencv", "torch"],
        Option(
            help="onnx; opencv, what cv2.dnn of OpenCV 4 computes right; or torch, a "
            "module of PyTorch."
        ),
    ] = "onnx",
    pixels: Annotated[
        bool,
        Option(
            "--pixels",
            help="The model takes images as OpenCV reads them (uint8, BGR, resized) "
            "and makes them ready itself; of onnx and torch.",
        ),
    ] = False,
    half: Annotated[
        bool, Option("--half", help="Compute in float16; of onnx.")
    ] = False,
    dataset: Annotated[
        Path | None,
        Option(help="Compare on images of this data set or image list, too."),
    ] = None,
    split: Annotated[str | None, Option(help="Of that data set; default: all.")] = None,
    root: Annotated[Path | None, options.ROOT] = None,
    tolerance: Annotated[
        float | None,
        Option(
            min=0,
            help="Refuse more difference to Caffe than this part of the largest "
            f"value; default: {TOLERANCE:g}, with --half {HALF:g}.",
        ),
    ] = None,
    overwrite: Annotated[bool, options.OVERWRITE] = False,
) -> None:
    """Export a deploy net to ONNX, OpenCV or PyTorch.

    What is made is run beside Caffe, on random inputs and on images where there
    are some, and is not written where they differ.

    Example: drdl export --net deploy.prototxt --weights mixed.caffemodel
    --output mixed.onnx
    """
    from pydrdl.export.compare import difference, to_compare
    from pydrdl.features.extract import open_extractor

    _refuse_wrong_use(output, format, pixels=pixels, half=half)
    options.refuse_weights(weights, untrained)
    refuse_inputs(_outputs(output, format), net, weights)
    for path in _outputs(output, format):
        refuse_existing(path, overwrite=overwrite)
        refuse_unwritable(path)
    for option, value in (("--root", root), ("--split", split)):
        if value is not None and dataset is None:
            raise cli.wrong_use("goes with --dataset", option)
    make = {"onnx": _onnx, "opencv": _opencv, "torch": _torch}[format]
    extractor = open_extractor(
        net,
        weights=weights,
        untrained=untrained,
        layer=layer,
        resize=resize,
        mean=options.bgr_of(mean),
    )
    compared = list(to_compare(extractor, IMAGES, dataset, split or "all", root))
    made = make(extractor, net, output, pixels=pixels, half=half)
    most = tolerance if tolerance is not None else HALF if half else TOLERANCE
    for what, images in compared:
        found = difference(extractor, images, made.run, pixels=pixels)
        if not found <= most:
            first = made.first(images, most) if made.first else ""
            raise InputError(
                f"the model differs from Caffe on {what} by {found:.1e} of the largest "
                f"value{first}; at most {most:g} are allowed",
                output,
                "allow more with --tolerance"
                + (", or leave out --half" if half else ", or report this"),
            )
        cli.console.lines(f"{what}: {found:.1e} of the largest value from Caffe's")
    with writing("the model", output):
        write_together(made.files)
    size = sum(map(len, made.files.values()))
    cli.console.lines(f"{output}: blob {extractor.blob}, {made.told}, {size:,} bytes")


@dataclass(frozen=True)
class _Made:
    """What a format is exported as, and how it is compared."""

    files: dict[Path, bytes]
    run: "Callable[[NDArray[Any]], NDArray[Any]]"  # of a batch
    told: str  # what is said of it
    # Which layer is the first to differ, in words, by images and how much.
    first: "Callable[[Sequence[Pixels], float], str] | None" = None


def _outputs(output: Path, format: str) -> list[Path]:
    """The files that will be made."""
    endings = ENDINGS[format][1:]
    return [output, *(output.with_suffix(ending) for ending in endings)]


def _refuse_wrong_use(
    output: Path,
    format: str,
    *,
    pixels: bool,
    half: bool,
) -> None:
    if ENDINGS[format] and output.suffix != ENDINGS[format][0]:
        what = f"{output} does not end in {ENDINGS[format][0]}"
        raise cli.wrong_use(what, "--output")
    others = {ending for name in ENDINGS if name != format for ending in ENDINGS[name]}
    if output.suffix in others - set(ENDINGS[format]):
        raise cli.wrong_use(f"{output} ends as another --format does", "--output")
    for given, option, of in (
        (pixels, "--pixels", ("onnx", "torch")),
        (half, "--half", ("onnx",)),
    ):
        if given and format not in of:
            raise cli.wrong_use(f"goes with --format {' or '.join(of)}", option)


def _onnx(
    extractor: "Extractor", net: Path, output: Path, *, pixels: bool, half: bool
) -> _Made:
    try:
        from pydrdl.export import onnx_model
        from pydrdl.export.graph import OPSET
    except ImportError as error:
        what = f"cannot import what makes ONNX: {error}"
        raise InputError(what, sys.executable, "pip install '.[export]'") from error
    model = onnx_model.to_onnx(extractor, net, pixels=pixels)
    data = (onnx_model.to_half(model) if half else model).SerializeToString()
    return _Made(
        {output: data},
        partial(onnx_model.run, data),
        f"opset {OPSET}",
    )


def _opencv(
    extractor: "Extractor", net: Path, output: Path, *, pixels: bool, half: bool
) -> _Made:
    from cv2 import __version__

    from pydrdl.export import opencv

    del pixels, half  # which were refused
    opencv.require_importer()
    made = opencv.to_opencv(extractor, net)
    contents = made.prototxt, made.caffemodel
    return _Made(
        dict(zip(_outputs(output, "opencv"), contents, strict=True)),
        partial(opencv.run, made),
        f"compared with OpenCV {__version__}",
        lambda images, most: (
            ", from layer "
            + opencv.first_that_differs(made, extractor, images, most)
            + " on"
        ),
    )


def _torch(
    extractor: "Extractor", net: Path, output: Path, *, pixels: bool, half: bool
) -> _Made:
    del half  # which was refused
    try:
        from torch import __version__

        from pydrdl.export import torch_module
    except ImportError as error:
        what = f"cannot import what makes a module of PyTorch: {error}"
        raise InputError(what, sys.executable, "pip install '.[torch]'") from error
    made = torch_module.to_torch(extractor, net, pixels=pixels)
    contents = made.code, made.weights
    return _Made(
        dict(zip(_outputs(output, "torch"), contents, strict=True)),
        partial(torch_module.run, made),
        f"compared with PyTorch {__version__}",
    )
