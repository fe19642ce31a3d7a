"""From feature files to re-identification results: files meet the protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, Source, read_features
from pydrdl.protocols import reid
from pydrdl.protocols.split import Split, load_split, save_split


@dataclass(frozen=True)
class Entry:
    """One row of a report.

    Attributes:
        name: of the method.
        path: the features file.
        sha256: of the features' content.
        source: what made the features.
        result: what they score.
    """

    name: str
    path: Path
    sha256: str
    source: Source
    result: reid.ReidResult


def evaluate_files(
    paths: Sequence[Path],
    *,
    names: Sequence[str] = (),
    repeats: int = 10,
    seed: int = 0,
    gallery_camera: int | None = None,
    split_file: Path | None = None,
    progress: reid.Progress = lambda galleries, what, total: galleries,
) -> list[Entry]:
    """Scores feature files, those of the same images on the same split.

    Args:
        paths: feature files.
        names: a name for each; without them, the files' names.
        repeats: random galleries.
        seed: of the draws.
        gallery_camera: take this camera's images as the gallery instead.
        split_file: read the split from it, or draw and write it there.
        progress: wraps the repeats, for a progress bar.

    Raises:
        InputError: a file or a split that cannot be used, or names that are
            not as many as files.
    """
    if names and len(names) != len(paths):
        raise InputError(
            f"{len(names)} names for {len(paths)} files",
            "--name",
            "give one name for each file, or none",
        )
    entries = []
    for i, path in enumerate(paths):
        content = read_features(path)
        split = _split_for(content, repeats, seed, gallery_camera, split_file)
        result = reid.evaluate(
            content.features,
            content.names,
            content.vehicle_ids,
            split,
            where=path,
            progress=progress,
        )
        name = names[i] if names else path.stem
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
    if split_file is not None and split_file.exists():
        split = load_split(split_file)
        if camera is not None and split.name != reid.camera_split_name(camera):
            raise InputError(
                f"the split is {split.name!r}, not of camera {camera}",
                split_file,
                "leave out --gallery-camera, or name another split file",
            )
        return split
    if camera is not None:
        split = reid.camera_split(
            content.names, content.vehicle_ids, content.camera_ids, camera
        )
    else:
        split = reid.draw_split(
            content.names, content.vehicle_ids, repeats=repeats, seed=seed
        )
    if split_file is not None:
        save_split(split, split_file)
    return split
