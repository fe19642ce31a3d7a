"""From feature files to results: files meet the protocols that draw a split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from pydrdl import evaluation_verifier
from pydrdl.errors import InputError
from pydrdl.evaluation_verifier import LoadedVerifier
from pydrdl.features import FeatureSet, Source, read_features
from pydrdl.protocols import reid, retrieval
from pydrdl.protocols.split import Split, load_split, save_split
from pydrdl.ranking import Progress

Int = NDArray[np.int64]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Entry(Generic[Result]):
    """One row of a report.

    Attributes:
        name: of the method.
        path: the features file.
        sha256: of the features' content.
        source: what made the features.
        result: what they score.
        verifier: what compared them; None for squared L2 distance.
    """

    name: str
    path: Path
    sha256: str
    source: Source
    result: Result
    verifier: LoadedVerifier | None = None


def evaluate_files(
    paths: Sequence[Path],
    *,
    names: Sequence[str] = (),
    repeats: int = 10,
    seed: int = 0,
    gallery_camera: int | None = None,
    split_file: Path | None = None,
    verifier: Path | None = None,
    progress: Progress = lambda blocks, what, total: blocks,
) -> list[Entry[reid.ReidResult]]:
    """Scores feature files, those of the same images on the same split.

    Args:
        paths: feature files.
        names: a name for each; without them, the files' names.
        repeats: random galleries.
        seed: of the draws.
        gallery_camera: take this camera's images as the gallery instead.
        split_file: read the split from it, or draw and write it there.
        verifier: file of Joint Bayesian, to rank by its score.
        progress: wraps blocks of probes, for a progress bar.

    Raises:
        InputError: a file or a split that cannot be used, names that are not
            as many as files, a verifier of another net or one that is an SVM.
    """
    entries = []
    judge = evaluation_verifier.load(verifier)
    for name, path in named(paths, names):
        content = read_features(path)
        probes, gallery = content.features, None
        if judge is not None:
            probes, gallery = judge.points(content, path)
        split = _split_for(content, repeats, seed, gallery_camera, split_file)
        result = reid.evaluate(
            probes,
            content.names,
            content.vehicle_ids,
            split,
            gallery_features=gallery,
            where=path,
            progress=progress,
        )
        entries.append(Entry(name, path, content.sha256, content.source, result, judge))
    return entries


def evaluate_retrieval(
    paths: Sequence[Path],
    *,
    names: Sequence[str] = (),
    rule: retrieval.GalleryRule = "min6",
    by_model: bool = False,
    repeats: int = 10,
    seed: int = 0,
    split_file: Path | None = None,
    progress: Progress = lambda blocks, what, total: blocks,
) -> list[Entry[retrieval.RetrievalResult]]:
    """Scores feature files, those of the same images on the same split.

    Args:
        paths: feature files.
        names: a name for each; without them, the files' names.
        rule: how many images of a vehicle lie in the gallery.
        by_model: what matches is the vehicle model, not the vehicle.
        repeats: random galleries.
        seed: of the draws.
        split_file: read the split from it, or draw and write it there.
        progress: wraps blocks of probes, for a progress bar.

    Raises:
        InputError: a file or a split that cannot be used, names that are not
            as many as files, or an image without a model.
    """
    entries = []
    for name, path in named(paths, names):
        content = read_features(path)
        ids = labels(content, by_model, path)

        def draw(content: FeatureSet = content, ids: Int = ids) -> Split:
            return retrieval.draw_split(
                content.names, ids, rule=rule, repeats=repeats, seed=seed
            )

        split = _saved(split_file, draw)
        if split.name != retrieval.rule_name(rule):
            raise InputError(
                f"the split is {split.name!r}, not of rule {rule}",
                split_file,
                "give its rule, or name another split file",
            )
        result = retrieval.evaluate(
            content.features,
            content.names,
            ids,
            split,
            where=path,
            progress=progress,
        )
        entries.append(Entry(name, path, content.sha256, content.source, result))
    return entries


def named(paths: Sequence[Path], names: Sequence[str]) -> list[tuple[str, Path]]:
    """Every file with the name of its row.

    Raises:
        InputError: there are names, but not as many as files.
    """
    if names and len(names) != len(paths):
        raise InputError(
            f"{len(names)} names for {len(paths)} files",
            "--name",
            "give one name for each file, or none",
        )
    return list(zip(names or [p.stem for p in paths], paths, strict=True))


def labels(content: FeatureSet, by_model: bool, where: object) -> Int:
    """What shall match, (N,): vehicles or models.

    Raises:
        InputError: the models are asked for, and an image has none.
    """
    if not by_model:
        return content.vehicle_ids
    missing = np.flatnonzero(content.model_ids < 0)
    if missing.size:
        raise InputError(
            f"{missing.size:,} of {len(content.names):,} images have no model label, "
            f"such as {content.names[missing[0]]!r}",
            where,
            "match by vehicle, or extract a set whose images are all labelled",
        )
    return content.model_ids


def _split_for(
    content: FeatureSet,
    repeats: int,
    seed: int,
    camera: int | None,
    split_file: Path | None,
) -> Split:
    """The split of the file where there is one, otherwise a new one."""
    if camera is None:
        return _saved(
            split_file,
            lambda: reid.draw_split(
                content.names, content.vehicle_ids, repeats=repeats, seed=seed
            ),
        )
    split = _saved(
        split_file,
        lambda: reid.camera_split(
            content.names, content.vehicle_ids, content.camera_ids, camera
        ),
    )
    if split.name != reid.camera_split_name(camera):
        raise InputError(
            f"the split is {split.name!r}, not of camera {camera}",
            split_file,
            "leave out --gallery-camera, or name another split file",
        )
    return split


def _saved(path: Path | None, draw: Callable[[], Split]) -> Split:
    """The split of the file where there is one; otherwise a new one, written there."""
    if path is not None and path.exists():
        return load_split(path)
    split = draw()
    if path is not None:
        save_split(split, path)
    return split
