"""Reads the results that tools/eval_*.py --json wrote."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from pydrdl.errors import InputError
from pydrdl.files import read_json
from pydrdl.page.results import (
    Cmc,
    CrossCamera,
    Json,
    Map,
    Origin,
    Results,
    Verification,
)
from pydrdl.trainings import training_of


def read_results(paths: Sequence[Path]) -> Results:
    """Reads result files of any kind.

    Raises:
        InputError: a file cannot be read, is none of the known kinds, or lacks
            something; two rows claim the same name and split; or trainings of
            one method were compared differently.
    """
    results = Results()
    for path in paths:
        content = _load(path)
        reader = _READERS.get(content.get("schema", ""))
        if reader is None:
            raise InputError(
                f"schema {content.get('schema')!r}; expected one of "
                f"{', '.join(_READERS)}",
                path,
                "give what tools/eval_cmc.py --json or its siblings wrote",
            )
        try:
            for entry in content["results"]:
                reader(results, _origin(path, content, entry), entry)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise InputError(
                f"not a whole result: {type(error).__name__} {error}",
                path,
                "evaluate again with --json",
            ) from error
    _refuse_twice(results)
    _refuse_mixed(results)
    return results


def _load(path: Path) -> Json:
    again = "give what tools/eval_cmc.py --json or its siblings wrote"
    content = read_json(path, "the results", again)
    if not isinstance(content, dict):
        raise InputError("no result: the JSON is no object", path, again)
    return content


def _origin(path: Path, content: Json, entry: Json) -> Origin:
    return Origin(
        method=str(entry["name"]),
        file=path,
        pydrdl=str(content["pydrdl"]),
        features={name: str(value) for name, value in entry["features"].items()},
        split=entry.get("split") or {},
        verifier=str(entry.get("verifier", {}).get("kind", "")),
    )


def _read_cmc(results: Results, origin: Origin, entry: Json) -> None:
    curves = entry["cmc"]
    mean = np.array(curves["mean"], np.float64)
    std = None if curves["std"] is None else np.array(curves["std"], np.float64)
    repeats = np.array(curves["per_repeat"], np.float64)
    if repeats.shape[1:] != mean.shape or (std is not None and std.shape != mean.shape):
        raise ValueError(f"curves of shapes {mean.shape} and {repeats.shape}")
    results.cmc.append(
        Cmc(
            origin,
            int(entry["gallery"]),
            int(entry["probes"]),
            int(entry["vehicles_without_probe"]),
            mean,
            std,
            repeats,
            float(entry["ties"]["probes"]),
        )
    )


def _read_map(results: Results, origin: Origin, entry: Json) -> None:
    step, trapezoid = entry["map"], entry["map_trapezoid"]
    results.map.append(
        Map(
            origin,
            int(entry["vehicles"]),
            int(entry["gallery"]),
            int(entry["probes"]),
            int(entry["vehicles_without_probe"]),
            int(entry["repeats"]),
            float(step["mean"]),
            _optional(step["std"]),
            float(trapezoid["mean"]),
            _optional(trapezoid["std"]),
            str(entry.get("relevance", "")),
        )
    )


def _read_verification(results: Results, origin: Origin, entry: Json) -> None:
    for pairs in entry["pairs"]:
        results.verification.append(
            Verification(
                origin,
                str(pairs["name"]),
                str(pairs["rule"]),
                str(pairs["sha256"]),
                int(pairs["same"]),
                int(pairs["different"]),
                _optional(pairs["accuracy"]),
                float(pairs["folds"]["mean"]),
                float(pairs["folds"]["std"]),
                float(pairs["test_optimal"]["accuracy"]),
                float(pairs["auc"]),
                float(pairs["eer"]),
            )
        )


def _read_cross_camera(results: Results, origin: Origin, entry: Json) -> None:
    results.cross_camera.append(
        CrossCamera(
            origin,
            str(entry["image_to"]),
            str(entry.get("sides_sha256", "")),
            int(entry["queries"]),
            int(entry["gallery"]),
            float(entry["map"]),
            float(entry["map_trapezoid"]),
            np.array(entry["cmc"], np.float64),
        )
    )


def _optional(value: float | None) -> float | None:
    return None if value is None else float(value)


def _refuse_twice(results: Results) -> None:
    """A name stands for one method on one split, or the page misleads."""
    for kind, all_of_it in results.kinds().items():
        seen: dict[tuple[str, str], Origin] = {}
        for result in all_of_it:
            origin = result.origin
            key = origin.method, result.test
            if key in seen:
                raise InputError(
                    f"two {kind} results are named {origin.method!r}, of the same "
                    f"{'split' if origin.split else 'images'}",
                    f"{seen[key].file} and {origin.file}",
                    "evaluate again with --name, a name for each",
                )
            seen[key] = origin


def _refuse_mixed(results: Results) -> None:
    """Trainings of one method differ in their seed, and in nothing else."""
    for kind, all_of_it in results.kinds().items():
        seen: dict[tuple[str, str], Origin] = {}
        for result in all_of_it:
            origin = result.origin
            method, seed = training_of(origin.method)
            first = seen.setdefault((method, result.test), origin)
            if (training_of(first.method)[1] is None) != (seed is None):
                what = (
                    f"{kind} results are named {first.method!r} and {origin.method!r}: "
                    "is the one a training like the other?"
                )
            elif origin.compared != first.compared:
                what = (
                    f"trainings of {method!r} were compared by {first.compared} and by "
                    f"{origin.compared} ({kind}): their mean would be of neither"
                )
            else:
                continue
            raise InputError(
                what,
                f"{first.file} and {origin.file}",
                "evaluate again with --name: a method for each, or a seed for each",
            )


_READERS: Mapping[str, Callable[[Results, Origin, Json], None]] = {
    "drdl.cmc/1": _read_cmc,
    "drdl.map/1": _read_map,
    "drdl.verification/1": _read_verification,
    "drdl.cross_camera/1": _read_cross_camera,
}
