"""From feature files to VeRi-776's and VERI-Wild's results."""

from collections.abc import Sequence
from pathlib import Path

from pydrdl.errors import InputError
from pydrdl.evaluation.entry import Entry, named
from pydrdl.features import FeatureSet, Source, read_features
from pydrdl.protocols import cross_camera
from pydrdl.protocols.tracks import read_tracks
from pydrdl.ranking import Progress

# What must not differ between queries and gallery.
MADE_BY = ("net_sha256", "weights_sha256", "weights", "layer", "preprocess")


def evaluate_cross_camera(
    queries: Sequence[Path],
    galleries: Sequence[Path],
    *,
    names: Sequence[str] = (),
    tracks: Path | None = None,
    progress: Progress = lambda blocks, what, total: blocks,
) -> list[Entry[cross_camera.CrossCameraResult]]:
    """Scores feature files of queries against those of the gallery.

    Args:
        queries: feature files, one for each method.
        galleries: as many, in the same order.
        names: a name for each; without them, the query files' names.
        tracks: a list of the gallery's tracks, to search them instead of images.
        progress: wraps blocks of queries, for a progress bar.

    Raises:
        InputError: files that cannot be used or do not belong together, or
            names that are not as many as files.
    """
    if len(galleries) != len(queries):
        raise InputError(
            f"{len(galleries)} galleries for {len(queries)} files of queries",
            "--gallery",
            "give one gallery for each file of queries, in the same order",
        )
    entries = []
    for (name, path), gallery_path in zip(
        named(queries, names), galleries, strict=True
    ):
        query, gallery = read_features(path), read_features(gallery_path)
        refuse_other_net(query.source, gallery.source, gallery_path)
        result = cross_camera.evaluate(
            _side(query, path),
            _side(gallery, gallery_path),
            tracks=None
            if tracks is None
            else read_tracks(
                tracks, gallery.names, gallery.vehicle_ids, gallery.camera_ids
            ),
            progress=progress,
        )
        entries.append(Entry(name, path, query.sha256, query.source, result))
    return entries


def refuse_other_net(a: Source, b: Source, where: Path) -> None:
    """Refuses to compare features of different nets, layers or preprocessing.

    Raises:
        InputError: they differ in one of MADE_BY.
    """
    for field in MADE_BY:
        one, other = getattr(a, field), getattr(b, field)
        # The same weights may lie at two paths.
        if one != other and not (field == "weights" and a.weights_sha256):
            raise InputError(
                f"features of another net: {field} is {other[:60]!r} here and "
                f"{one[:60]!r} in the file that it goes with",
                where,
                "extract both with the same net, weights and layer",
            )


def _side(content: FeatureSet, path: Path) -> cross_camera.Side:
    return cross_camera.Side(
        content.features,
        content.names,
        content.vehicle_ids,
        content.camera_ids,
        path,
    )
