"""From a photograph, or a row of the gallery, to the rows that are like it."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from pydrdl.arrays import Float32, Pixels
from pydrdl.datasets.images import cut_out, lies_inside, resized
from pydrdl.errors import InputError
from pydrdl.features.again import open_again
from pydrdl.features.extract import Extractor
from pydrdl.gallery.folder import GalleryFolder, Origin
from pydrdl.gallery.hints import hint
from pydrdl.gallery.rerank import rerank
from pydrdl.gallery.rows import ALL, GalleryRow, Hit, Summary, Wanted

RERANKED = 100  # first hits that are ranked anew
MOST = 1000  # hits of one query
LEAST_SIDE = 8  # pixels of a box
LEAST_CONTRAST = 2.0  # standard deviation of intensities of 0 to 255
MODEL_OF = 50  # first hits that the vehicle model is counted of

Box = tuple[int, int, int, int]
_COORDINATE = re.compile(r"\d{1,6}", re.ASCII)


def box_of(text: str) -> Box:
    """Parses "left,top,right,bottom", whole numbers from 0.

    Raises:
        ValueError: it is not so.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4 or not all(_COORDINATE.fullmatch(part) for part in parts):
        raise ValueError(
            f"{text[:80]!r} is no box; expected LEFT,TOP,RIGHT,BOTTOM in pixels, such "
            "as 10,20,200,180"
        )
    left, top, right, bottom = map(int, parts)
    return left, top, right, bottom


class Match(NamedTuple):
    """A row that was found."""

    row: GalleryRow
    distance: float  # squared Euclidean, to the query
    probability: float | None  # that it shows the vehicle; None: not calibrated
    score: float  # it stands by this, smaller first: the distance, or re-ranking's


@dataclass(frozen=True)
class Answer:
    """What was found."""

    matches: tuple[Match, ...]  # best first
    searched: int  # rows that were wanted, of all in the gallery
    rows: int  # in the gallery
    # The vehicle model of most of the first, with how many of how many; None where
    # models are not known.
    model: tuple[int, int, int] | None
    reranked: bool  # the first were ranked anew
    hint: str = ""  # what filters ask for that no row has; see hints


def open_net_of(
    gallery: GalleryFolder,
    *,
    net: Path | None = None,
    weights: Path | None = None,
    gpu: int | None = None,
    backward: bool = False,
) -> Extractor:
    """Opens the net that made a gallery's features.

    Args:
        gallery: which.
        net: deploy net; None: where it lay when the gallery was begun.
        weights: the same of its weights.
        gpu: number of the GPU; None computes on the CPU.
        backward: see open_net.

    Raises:
        InputError: net or weights are not there any more, or are others.
    """
    origin = gallery.origin
    extractor = open_again(
        origin,
        "the gallery's features",
        net=net,
        weights=weights,
        gpu=gpu,
        backward=backward,
    )
    opened = Path(extractor.source.net)
    gallery.check(Origin.of(extractor.source), extractor.width, opened)
    return extractor


def input_of(
    pixels: Pixels, box: Box | None, extractor: Extractor, where: object
) -> Float32:
    """The net's input (3, H, W) of a photograph's part.

    Args:
        pixels: height x width x 3, BGR.
        box: (left, top, right, bottom) of the vehicle; None: all of it.
        extractor: the net.
        where: the photograph, for messages.

    Raises:
        InputError: the box reaches beyond the photograph, is small, or nothing is
            to be seen in it.
    """
    height, width = pixels.shape[:2]
    if box is not None:
        if not lies_inside(box, height, width):
            raise InputError(
                f"the box {box} (left, top, right, bottom) is not in the photograph "
                f"of {width} x {height} pixels",
                where,
                "draw it inside",
            )
        pixels = cut_out(pixels, box)
    if min(pixels.shape[:2]) < LEAST_SIDE:
        raise InputError(
            f"{pixels.shape[1]} x {pixels.shape[0]} pixels are too few to tell a "
            f"vehicle by; at least {LEAST_SIDE} x {LEAST_SIDE} are needed",
            where,
            "draw a larger box, or give a larger photograph",
        )
    contrast = float(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).std())
    if contrast < LEAST_CONTRAST:
        raise InputError(
            "no vehicle is to be seen: the box holds one colour throughout",
            where,
            "draw the box around a vehicle",
        )
    side = extractor.preprocess.resize
    return extractor.preprocess(resized(pixels, (side, side)))


def ask(
    gallery: GalleryFolder,
    vector: Float32,
    count: int,
    *,
    wanted: Wanted = ALL,
    reranked: bool = False,
    without: str = "",
    exact: bool | None = None,
    summary: Callable[[], Summary] | None = None,
) -> Answer:
    """Searches a gallery.

    Args:
        gallery: which.
        vector: (D,) of the query.
        count: matches at most.
        wanted: rows that may be found.
        reranked: rank the first hits anew, by k-reciprocal neighbours.
        without: id of a row that is not to be found: the one that is asked with.
        exact: see LanceGallery.search.
        summary: says what the gallery holds, where somebody knows already.
    """
    asked = max(count, RERANKED if reranked else 0, MODEL_OF) + bool(without)
    hits = gallery.rows.search(vector, asked, wanted, exact=exact)
    hits = [hit for hit in hits if hit.row.id != without]
    rows = gallery.rows.count()
    scores = [hit.distance for hit in hits]
    if reranked and hits:
        first = hits[:RERANKED]
        anew = rerank(vector, np.stack([hit.vector for hit in first])).tolist()
        # What follows keeps its order, behind.
        behind = [max(anew) + 1 + k for k in range(len(hits) - len(first))]
        scores = anew + behind
    order = sorted(range(len(hits)), key=lambda k: (scores[k], hits[k].distance))
    odds = _probabilities(gallery, hits, rows)
    matches = [
        Match(hits[k].row, hits[k].distance, odds[k], float(scores[k])) for k in order
    ]
    searched = rows if wanted == ALL else gallery.rows.count(wanted)
    told = ""
    if wanted != ALL or not rows:
        told = hint(wanted, (summary or gallery.rows.summary)(), searched)
    return Answer(
        tuple(matches[:count]),
        searched=searched,
        rows=rows,
        model=_model([match.row for match in matches[:MODEL_OF]]),
        reranked=reranked,
        hint=told,
    )


def _probabilities(
    gallery: GalleryFolder, hits: Sequence[Hit], rows: int
) -> list[float | None]:
    calibration = gallery.description.calibration
    if calibration is None:
        return [None] * len(hits)
    distances = np.array([hit.distance for hit in hits], np.float64)
    return [*calibration.probability(distances, rows).tolist()]


def _model(rows: Sequence[GalleryRow]) -> tuple[int, int, int] | None:
    """The commonest vehicle model, with how many of how many rows."""
    known = Counter(row.image.model_id for row in rows if row.image.model_id >= 0)
    if not known:
        return None
    model, many = min(known.items(), key=lambda item: (-item[1], item[0]))
    return model, many, len(rows)
