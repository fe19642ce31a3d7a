"""Scores features by mean average precision: the paper's Sec. 5.2, VeRi, VERI-Wild."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Argument, BadParameter, Option

from pydrdl import cli
from pydrdl.commands import options
from pydrdl.protocols.retrieval import RULES
from pydrdl.results import cross_camera, retrieval
from pydrdl.results.cross_camera import evaluate_cross_camera
from pydrdl.results.evaluate import evaluate_retrieval


class Protocol(StrEnum):
    """How gallery and probes are told apart."""

    retrieval = "retrieval"
    cross_camera = "cross-camera"


class Relevance(StrEnum):
    """What matches."""

    vehicle = "vehicle"
    model = "model"


Rule = StrEnum("Rule", {name: name for name in RULES})


def eval_map(
    features: Annotated[
        list[Path],
        Argument(help="Files that extract_features.py wrote; of queries for VeRi."),
    ],
    protocol: Annotated[
        Protocol,
        Option(help="retrieval: Sec. 5.2; cross-camera: VeRi-776 and VERI-Wild."),
    ] = Protocol.retrieval,
    gallery: Annotated[
        list[Path] | None,
        Option(help="cross-camera: features of the gallery; once for each file."),
    ] = None,
    tracks: Annotated[
        Path | None,
        Option(help="cross-camera: VeRi-776's test_track.txt, to search tracks."),
    ] = None,
    rule: Annotated[
        Rule,
        Option(
            help="retrieval: images of a vehicle with N in the gallery: min(6, N-1), "
            "the paper's max{6, N-1} to the letter, or N-1."
        ),
    ] = Rule.min6,
    relevance: Annotated[
        Relevance, Option(help="retrieval: images of the same what match.")
    ] = Relevance.vehicle,
    repeats: Annotated[int, Option(min=1, help="retrieval: random galleries.")] = 10,
    seed: Annotated[int, options.seed("Of the random galleries.")] = 0,
    split_file: Annotated[
        Path | None,
        Option(
            help="retrieval: use the split in this file; where there is none, write it."
        ),
    ] = None,
    json: Annotated[Path | None, options.json_file("all numbers and hashes")] = None,
    name: Annotated[
        list[str] | None, Option(help="Name in the table; once for each file.")
    ] = None,
) -> None:
    """Print mean average precision beside the paper's Table 4.

    VeRi-776 and VERI-Wild fix queries and gallery; an image of the query's
    vehicle by the query's camera is left out there.

    Example: python tools/eval_map.py test_800.h5 --json test_800.json

    Example: python tools/eval_map.py query.h5 --gallery test.h5
    --protocol cross-camera --tracks VeRi/test_track.txt
    """
    if protocol is Protocol.retrieval:
        if gallery or tracks:
            raise BadParameter("--gallery and --tracks need --protocol cross-camera")
        drawn = evaluate_retrieval(
            features,
            names=name or (),
            rule=rule.value,
            by_model=relevance is Relevance.model,
            repeats=repeats,
            seed=seed,
            split_file=split_file,
            progress=cli.progress,
        )
        table = retrieval.retrieval_table(drawn, relevance.value)
        notes = retrieval.retrieval_notes(drawn, relevance.value)
        content = retrieval.retrieval_json(drawn, relevance.value)
    else:
        if not gallery:
            raise BadParameter("--protocol cross-camera needs --gallery")
        fixed = evaluate_cross_camera(
            features,
            gallery,
            names=name or (),
            tracks=tracks,
            progress=cli.progress,
        )
        table = cross_camera.cross_camera_table(fixed)
        notes = cross_camera.cross_camera_notes(fixed)
        content = cross_camera.cross_camera_json(fixed)
    cli.console.print(table, "")
    for note in notes:
        cli.console.print(note, markup=False, soft_wrap=True)
    if json is not None:
        cli.write_json(json, content)


if __name__ == "__main__":
    cli.run(eval_map)
