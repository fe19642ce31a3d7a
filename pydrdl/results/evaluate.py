"""From feature files to results: files meet the protocols."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pydrdl.arrays import Int
from pydrdl.datasets import veri
from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, Source, read_features
from pydrdl.files import exists
from pydrdl.parallel import Progress, unseen
from pydrdl.protocols import cross_camera, reid, retrieval
from pydrdl.protocols.split import Split, load_split, save_split
from pydrdl.results.result import (
    CrossCamera,
    FeaturesUsed,
    Reidentification,
    Retrieval,
    SplitUsed,
    VerifierUsed,
    method_and_seed,
)
from pydrdl.verifiers import file as verifier_file
from pydrdl.verifiers.file import LoadedVerifier

By = Literal["vehicle", "model"]  # whose ids decide what is the same
# What must not differ between features that are compared.
MADE_BY = ("net_sha256", "weights_sha256", "weights", "layer", "preprocess")


def evaluate_reid(
    paths: Sequence[Path],
    *,
    names: Sequence[str] = (),
    training_seeds: Sequence[int] = (),
    repeats: int = 10,
    seed: int = 0,
    gallery_camera: int | None = None,
    split_file: Path | None = None,
    verifier: Path | None = None,
    progress: Progress = unseen,
) -> list[Reidentification]:
    """Scores feature files, those of the same images on the same split (Sec. 5.3).

    Args:
        paths: feature files.
        names: of their methods; without them, the files' names. Where there are no
            training_seeds, "<method>, seed <n>" is one training of a method.
        training_seeds: of the nets' trainings, one for each file.
        repeats: random galleries.
        seed: of the draws.
        gallery_camera: take this camera's images as the gallery instead.
        split_file: read the split from it, or draw and write it there.
        verifier: file of Joint Bayesian, to rank by its score.
        progress: wraps blocks of probes, for a progress bar.

    Raises:
        InputError: a file or a split that cannot be used, names or seeds that are
            not as many as files, a verifier of another net or one that is an SVM.
    """
    judge, results = verifier_file.load(verifier), []
    for origin, content, path in read_rows(paths, names, training_seeds, judge):
        probes, gallery = content.features, None
        if judge is not None:
            probes, gallery = judge.points(content, path)
        split = _reid_split(content, repeats, seed, gallery_camera, split_file)
        scored = reid.evaluate(
            probes,
            content.names,
            content.vehicle_ids,
            split,
            gallery_features=gallery,
            where=path,
            progress=progress,
        )
        results.append(Reidentification(**origin, **_drawn(split), **dict(scored)))
    return results


def _reid_split(
    content: FeatureSet,
    repeats: int,
    seed: int,
    camera: int | None,
    split_file: Path | None,
) -> Split:
    """The split of the file where there is one, otherwise a new one."""
    names, ids = content.names, content.vehicle_ids
    if camera is None:
        return _saved(
            split_file, lambda: reid.draw_split(names, ids, repeats=repeats, seed=seed)
        )
    split = _saved(
        split_file, lambda: reid.camera_split(names, ids, content.camera_ids, camera)
    )
    if split.name != reid.camera_split_name(camera):
        what = f"the split is {split.name!r}, not of camera {camera}"
        advice = "leave out --gallery-camera, or name another split file"
        raise InputError(what, split_file, advice)
    return split


def split_of(
    result: Reidentification, content: FeatureSet, given: Sequence[Split]
) -> Split:
    """The split that a result is of: a given one, or drawn again for its features.

    Raises:
        InputError: none has the result's hash.
    """
    stated, again = result.split, list(given)
    names, ids, cameras = content.names, content.vehicle_ids, content.camera_ids
    if stated.seed is not None:
        drawn = {"repeats": result.repeats, "seed": stated.seed}
        again.append(reid.draw_split(names, ids, **drawn))
    for camera in np.unique(cameras).tolist():
        if reid.camera_split_name(camera) == stated.name:
            again.append(reid.camera_split(names, ids, cameras, camera))
    for split in again:
        if split.sha256 == stated.sha256:
            return split
    what = f"the split {stated.sha256[:16]} of {result.name!r} cannot be drawn again"
    raise InputError(what, result.file, "give its file with --split-file")


def evaluate_retrieval(
    paths: Sequence[Path],
    *,
    names: Sequence[str] = (),
    training_seeds: Sequence[int] = (),
    rule: retrieval.GalleryRule = "min6",
    relevance: By = "vehicle",
    repeats: int = 10,
    seed: int = 0,
    split_file: Path | None = None,
    progress: Progress = unseen,
) -> list[Retrieval]:
    """Scores feature files, those of the same images on the same split (Sec. 5.2).

    rule says how many images of a vehicle lie in the gallery, relevance what an image
    must share to match; all else is as of evaluate_reid.

    Raises:
        InputError: as of evaluate_reid, or an image without a model.
    """
    results = []
    for origin, content, path in read_rows(paths, names, training_seeds):
        ids = content.vehicle_ids
        if relevance == "model":
            ids = model_ids(content, path)

        def draw(content: FeatureSet = content, ids: Int = ids) -> Split:
            return retrieval.draw_split(
                content.names, ids, rule=rule, repeats=repeats, seed=seed
            )

        split = _saved(split_file, draw)
        if split.name != retrieval.rule_name(rule):
            what = f"the split is {split.name!r}, not of rule {rule}"
            advice = "give its rule, or name another split file"
            raise InputError(what, split_file, advice)
        scored = retrieval.evaluate(
            content.features, content.names, ids, split, where=path, progress=progress
        )
        drawn = {**_drawn(split), **dict(scored)}
        results.append(Retrieval(**origin, relevance=relevance, **drawn))
    return results


def evaluate_cross_camera(
    queries: Sequence[Path],
    galleries: Sequence[Path],
    *,
    names: Sequence[str] = (),
    training_seeds: Sequence[int] = (),
    tracks: Path | None = None,
    progress: Progress = unseen,
) -> list[CrossCamera]:
    """Scores feature files of queries against as many of the gallery, in their order.

    tracks lists the gallery's, to search them instead of images; all else is as of
    evaluate_reid.

    Raises:
        InputError: files that cannot be used or do not belong together, or
            names or seeds that are not as many as files.
    """
    if len(galleries) != len(queries):
        what = f"{len(galleries)} galleries for {len(queries)} files of queries"
        advice = "give one gallery for each file of queries, in the same order"
        raise InputError(what, "--gallery", advice)
    results = []
    rows = read_rows(queries, names, training_seeds)
    for (origin, query, path), other in zip(rows, galleries, strict=True):
        gallery, listed = read_features(other), None
        refuse_other_net(query.source, gallery.source, other)
        if tracks is not None:
            ids = gallery.names, gallery.vehicle_ids, gallery.camera_ids
            listed = cross_camera.Tracks.of(veri.tracks_of(tracks, *ids))
        sides = (
            cross_camera.Side(s.features, s.names, s.vehicle_ids, s.camera_ids, of)
            for s, of in ((query, path), (gallery, other))
        )
        scored = cross_camera.evaluate(*sides, tracks=listed, progress=progress)
        results.append(CrossCamera(**origin, **dict(scored)))
    return results


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


def read_rows(
    paths: Sequence[Path],
    names: Sequence[str],
    seeds: Sequence[int],
    judge: LoadedVerifier | None = None,
) -> Iterator[tuple[dict[str, Any], FeatureSet, Path]]:
    """What every result tells, and the features, of each file; see evaluate_reid."""
    options = (names, "name", "--name"), (seeds, "seed", "--training-seed")
    for given, word, option in options:
        if given and len(given) != len(paths):
            what = f"{len(given)} {word}s for {len(paths)} files"
            raise InputError(what, option, f"give one {word} for each file, or none")
    verifier = judge and VerifierUsed(
        path=str(judge.path),
        sha256=judge.sha256,
        kind=judge.verifier.kind,
        training=judge.verifier.training.model_dump(),
    )
    for i, path in enumerate(paths):
        method, seed = names[i] if names else path.stem, None
        method, seed = (method, seeds[i]) if seeds else method_and_seed(method)
        content = read_features(path)
        made = content.source.model_dump()
        used = FeaturesUsed(path=str(path), sha256=content.sha256, **made)
        row = {"method": method, "seed": seed, "features": used, "verifier": verifier}
        yield row, content, path


def model_ids(content: FeatureSet, where: object) -> Int:
    """Models, (N,); InputError where an image has none."""
    missing = np.flatnonzero(content.model_ids < 0)
    if missing.size:
        raise InputError(
            f"{missing.size:,} of {len(content.names):,} images have no model label, "
            f"such as {content.names[missing[0]]!r}",
            where,
            "match by vehicle, or extract a set whose images are all labelled",
        )
    return content.model_ids


def _saved(path: Path | None, draw: Callable[[], Split]) -> Split:
    """The split of the file where there is one; otherwise a new one, written there."""
    if path is not None and exists(path):
        return load_split(path)
    split = draw()
    if path is not None:
        save_split(split, path)
    return split


def _drawn(split: Split) -> dict[str, Any]:
    """What results tell of a split."""
    used = SplitUsed(name=split.name, seed=split.seed, sha256=split.sha256)
    return {"split": used, "repeats": len(split.gallery)}
