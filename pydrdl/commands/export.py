"""Trained nets for other programs."""

import sys
from pathlib import Path
from typing import Annotated

from typer import BadParameter, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.errors import InputError
from pydrdl.files import refuse_existing, write_bytes

TOLERANCE, HALF = 1e-4, 2e-2  # of the largest value
IMAGES = 16  # that Caffe and the model are compared on


def export(
    *,
    output: Annotated[Path, options.output("ONNX file to make.")],
    net: Annotated[Path, Option(help="Its deploy.prototxt.")],
    weights: Annotated[Path | None, Option(help="Its .caffemodel.")] = None,
    untrained: Annotated[int | None, options.UNTRAINED] = None,
    layer: Annotated[
        str | None, Option(help="Blob to end at; the net's last top by default.")
    ] = None,
    resize: Annotated[int | None, options.RESIZE] = None,
    mean: Annotated[str | None, options.MEAN] = None,
    pixels: Annotated[
        bool,
        Option(
            "--pixels",
            help="The model takes images as OpenCV reads them (uint8, BGR, resized) "
            "and makes them ready itself.",
        ),
    ] = False,
    half: Annotated[bool, Option("--half", help="Compute in float16.")] = False,
    dataset: Annotated[
        Path | None,
        Option(help="Compare on images of this data set or image list, too."),
    ] = None,
    split: Annotated[str, Option(help="Of that data set.")] = "all",
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
    """Export a deploy net and its weights to ONNX.

    The model is run by onnxruntime beside Caffe, on random inputs and on images
    where there are some, and is not written where they differ.

    Example: drdl export --net deploy.prototxt --weights mixed.caffemodel
    --output mixed.onnx
    """
    from pydrdl.features.extract import open_extractor

    try:
        from pydrdl.export import onnx_model
        from pydrdl.export.graph import OPSET
    except ImportError as error:
        what = f"cannot import what makes ONNX: {error}"
        raise InputError(what, sys.executable, "pip install '.[export]'") from error
    refuse_existing(output, overwrite=overwrite)
    extractor = open_extractor(
        net,
        weights=weights,
        untrained=untrained,
        layer=layer,
        resize=resize,
        mean=options.bgr_of(mean),
    )
    if root is not None and dataset is None:
        raise BadParameter("goes with --dataset", param_hint="--root")
    model = onnx_model.to_onnx(extractor, net, pixels=pixels)
    data = (onnx_model.to_half(model) if half else model).SerializeToString()
    most = tolerance if tolerance is not None else HALF if half else TOLERANCE
    for what, images in onnx_model.to_compare(extractor, IMAGES, dataset, split, root):
        found = onnx_model.difference(data, extractor, images, pixels=pixels)
        if not found <= most:
            raise InputError(
                f"the model differs from Caffe on {what} by {found:.1e} of the largest "
                f"value; at most {most:g} are allowed",
                output,
                "allow more with --tolerance"
                + (", or leave out --half" if half else ", or report this"),
            )
        cli.console.lines(f"{what}: {found:.1e} of the largest value from Caffe's")
    write_bytes(output, data)
    cli.console.lines(
        f"{output}: blob {extractor.blob}, opset {OPSET}, {len(data):,} bytes"
    )
