"""The section of heat maps: what made the worst failures fail."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from pydrdl.arrays import Pixels
from pydrdl.datasets.dataset import Image
from pydrdl.explain.maps import explain_pair, input_of
from pydrdl.explain.picture import draw_explanation
from pydrdl.features import read_features
from pydrdl.features.again import open_again
from pydrdl.features.extract import Extractor
from pydrdl.pictures import jpeg_of
from pydrdl.protocols.search import Search
from pydrdl.report.content import Block, Picture, Section, Text
from pydrdl.report.search import photograph_reader, worst_failures

QUALITY = 85
Photograph = Callable[[str], Pixels]


def map_section(
    searches: Mapping[str, Search],
    features: Mapping[str, Path],
    photographs: tuple[Path, Sequence[Image], str],
    count: int,
) -> Section:
    """Of the first failures of each method: the wrong first one, and the match.

    Args:
        searches: by method.
        features: files by method, which say what nets made them.
        photographs: their folder, which ones, and where that is, for messages.
        count: failures of each method.

    Raises:
        InputError: a net is not where it was, or cannot go backward; a photograph
            that cannot be read.
    """
    photograph = photograph_reader(*photographs)
    blocks: list[Block] = [
        Text(
            "A probe above, an image of the gallery below: beside each, how much the "
            "distance of the two would change with a pixel (the gradient), and, where "
            "the net has convolutions, what makes them far (red) or near (blue) by "
            "the activations of the last (Grad-CAM)."
        )
    ]
    for number, (method, search) in enumerate(searches.items(), start=1):
        source = read_features(features[method]).source
        extractor = open_again(
            source,
            f"the features of {method}",
            backward=True,
            otherwise="put it there, or leave out --maps",
        )
        failures = worst_failures(search, count)
        if not failures.size:
            blocks.append(Text(f"{method}: no failures to show."))
        for place, probe in enumerate(failures.tolist(), start=1):
            row = int(search.probes[probe])
            first = search.gallery[search.nearest(np.array([probe]), 1)[0][0, 0]]
            match = search.gallery[search.match[probe]]
            rank = 1 + int(search.closer[probe])
            for what, other in (
                ("the wrong first one", int(first)),
                (f"the match, at rank {rank:,}", int(match)),
            ):
                key = f"maps-{number}-{place}-{'match' if other == match else 'first'}"
                names = search.names[row], search.names[other]
                said = f"{method}, {names[0]}: {what}"
                blocks.append(_picture(key, said, names, extractor, photograph))
    return Section("maps", "What made the difference", blocks)


def _picture(
    key: str,
    said: str,
    names: tuple[str, str],
    extractor: Extractor,
    photograph: Photograph,
) -> Picture:
    pixels = [photograph(name) for name in names]
    first, second = (input_of(one, extractor.preprocess) for one in pixels)
    found = explain_pair(extractor, (first, second), names)
    picture = draw_explanation(pixels, names, found, extractor.preprocess)
    return Picture(
        key,
        f"{said}, squared distance {found.distance:.4g}.",
        f"Heat maps over {names[0]} and {names[1]}.",
        jpeg_of(picture, max(picture.shape[:2]), QUALITY),
        {
            "images": list(names),
            "squared_distance": found.distance,
            "blobs": list(found.blobs),
        },
    )
