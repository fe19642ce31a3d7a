"""Result files as a report shows them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pydrdl.errors import InputError
from pydrdl.report.results import Cmc, CrossCamera, Map, Origin, Results, Verification
from pydrdl.results import files
from pydrdl.results.shared import training_of


def read_results(paths: Sequence[Path]) -> Results:
    """Reads result files of any kind.

    Raises:
        InputError: a file cannot be read, see read_result_file; two rows claim
            the same name and split; or trainings of one method were compared
            differently.
    """
    results = Results()
    for path in paths:
        content = files.read_result_file(path)
        for row in content.results:
            origin = _origin(path, content, row)
            match row:
                case files.CmcRow():
                    results.cmc.append(_cmc(origin, row))
                case files.MapRow():
                    results.map.append(_map(origin, row))
                case files.VerificationRow():
                    results.verification.extend(
                        _verification(origin, pairs) for pairs in row.pairs
                    )
                case files.CrossCameraRow():
                    results.cross_camera.append(_cross_camera(origin, row))
    _refuse_twice(results)
    _refuse_mixed(results)
    return results


def _origin(path: Path, content: files.ResultFile, row: files.Row) -> Origin:
    return Origin(
        method=row.name,
        file=path,
        pydrdl=content.pydrdl,
        features=row.features,
        split={} if row.split is None else row.split.model_dump(),
        verifier="" if row.verifier is None else row.verifier.kind,
    )


def _cmc(origin: Origin, row: files.CmcRow) -> Cmc:
    std = row.cmc.std
    return Cmc(
        origin,
        row.gallery,
        row.probes,
        row.vehicles_without_probe,
        np.array(row.cmc.mean),
        None if std is None else np.array(std),
        np.array(row.cmc.per_repeat),
        row.ties.probes,
    )


def _map(origin: Origin, row: files.MapRow) -> Map:
    return Map(
        origin,
        row.vehicles,
        row.gallery,
        row.probes,
        row.vehicles_without_probe,
        row.repeats,
        row.map.mean,
        row.map.std,
        row.map_trapezoid.mean,
        row.map_trapezoid.std,
        row.relevance,
    )


def _verification(origin: Origin, pairs: files.PairsRow) -> Verification:
    return Verification(
        origin,
        pairs.name,
        pairs.rule,
        pairs.sha256,
        pairs.same,
        pairs.different,
        pairs.accuracy,
        pairs.folds.mean,
        pairs.folds.std,
        pairs.test_optimal.accuracy,
        pairs.auc,
        pairs.eer,
    )


def _cross_camera(origin: Origin, row: files.CrossCameraRow) -> CrossCamera:
    return CrossCamera(
        origin,
        row.image_to,
        row.sides_sha256,
        row.queries,
        row.gallery,
        row.map,
        row.map_trapezoid,
        np.array(row.cmc),
    )


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
