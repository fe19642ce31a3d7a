"""From feature files to results: files meet the protocols that draw a split."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, read_features
from pydrdl.files import exists
from pydrdl.protocols import reid, retrieval
from pydrdl.protocols.split import Split, load_split, save_split
from pydrdl.ranking import Progress
from pydrdl.results.entry import Entry, labels, named
from pydrdl.verifiers import file

Int = NDArray[np.int64]


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
    judge = file.load(verifier)
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
    if path is not None and exists(path):
        return load_split(path)
    split = draw()
    if path is not None:
        save_split(split, path)
    return split
