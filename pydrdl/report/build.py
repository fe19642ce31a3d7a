"""From files to a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydrdl.datasets import images_of_split
from pydrdl.datasets.dataset import Dataset, is_drawn
from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, read_features
from pydrdl.logs.reader import TrainingLog, read_log
from pydrdl.protocols.split import load_split
from pydrdl.report.content import Report, Section
from pydrdl.report.dataset import dataset_section
from pydrdl.report.distances import distance_section
from pydrdl.report.glance import glance_section
from pydrdl.report.match_rates import match_rate_section
from pydrdl.report.provenance import InputFile, provenance_section, versions
from pydrdl.report.result_files import read_results
from pydrdl.report.results import Cmc, Results
from pydrdl.report.retrieval import retrieval_section
from pydrdl.report.scores import cross_camera_section, verification_section
from pydrdl.report.search import Search, find_split, make_search
from pydrdl.report.strips import strip_section
from pydrdl.report.thumbnails import Thumbnail, no_thumbnail, thumbnail_maker
from pydrdl.report.training import training_section
from pydrdl.report.worth import worth_section


@dataclass(frozen=True)
class Inputs:
    """What a report is made from; everything but a first thing may be missing.

    Attributes:
        results: JSON files of tools/eval_*.py.
        features: feature files by the name of their CMC result.
        logs: logs of caffe train by name; the same name joins them to a result.
        dataset: whose images the strips show.
        split: only images of this split of dataset; empty: of all.
        split_files: splits that cannot be drawn again from their seed.
        checks: JSON files of tools/dataset.py check.
        repeat: which gallery strips and distances show, from 0.
        failures: strips of failures for each method.
        successes: strips of successes for each method.
        title: the heading.
        date: shown below it.
        command: what made the inputs, shown as it is.
        versions: of further things, by name.
    """

    results: Sequence[Path] = ()
    features: Mapping[str, Path] = field(default_factory=dict)
    logs: Mapping[str, Path] = field(default_factory=dict)
    dataset: Dataset | None = None
    split: str = ""
    split_files: Sequence[Path] = ()
    checks: Sequence[Path] = ()
    repeat: int = 0
    failures: int = 8
    successes: int = 4
    title: str = "Vehicle re-identification"
    date: str = ""
    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


def build_report(inputs: Inputs) -> Report:
    """Reads the files and makes every section that they have something for.

    Raises:
        InputError: a file cannot be used, features are of no result, or there
            is nothing to report.
    """
    results = read_results(inputs.results)
    logs = {name: read_log(path) for name, path in inputs.logs.items()}
    sections = [
        *_result_sections(inputs, results, logs),
        *_search_sections(inputs, results),
    ]
    if logs:
        sections.append(training_section(logs))
    if inputs.dataset is not None or inputs.checks:
        sections.append(dataset_section(inputs.dataset, inputs.checks))
    if not sections:
        raise InputError(
            "there is nothing to report",
            "--result, --log, --data, --check",
            "give at least one of them",
        )
    sections.append(
        provenance_section(
            results.origins(),
            _files(inputs),
            command=inputs.command,
            versions=versions(inputs.versions),
        )
    )
    return Report(inputs.title, inputs.date, sections)


def _result_sections(
    inputs: Inputs, results: Results, logs: Mapping[str, TrainingLog]
) -> list[Section]:
    sections = []
    drawn = inputs.dataset is not None and is_drawn(inputs.dataset)
    if results.origins():
        sections.append(glance_section(results, inputs.dataset, logs))
    if results.cmc:
        sections.append(match_rate_section(results.cmc, drawn=drawn))
    if results.map:
        sections.append(retrieval_section(results.map, drawn=drawn))
    if results.verification:
        sections.append(verification_section(results.verification))
    if results.cross_camera:
        sections.append(cross_camera_section(results.cross_camera))
    if results.origins():
        sections.append(worth_section(results.origins(), inputs.dataset, logs))
    return sections


def _search_sections(inputs: Inputs, results: Results) -> list[Section]:
    """What features are needed for: strips and distances."""
    if not inputs.features:
        return []
    given = [load_split(path) for path in inputs.split_files]
    searches: list[Search] = []
    for name, path in inputs.features.items():
        content = read_features(path)
        result = _result_of(name, content, results.cmc, path)
        found = find_split(content, result, given)
        searches.append(make_search(result, content, found, inputs.repeat, path))
    thumbnail = _thumbnails(inputs.dataset, inputs.split)
    return [
        strip_section(searches, thumbnail, inputs.failures, inputs.successes),
        distance_section(searches),
    ]


def _result_of(
    name: str, content: FeatureSet, results: Sequence[Cmc], path: Path
) -> Cmc:
    """The CMC result that was made from these features, by name and hash."""
    named = [r for r in results if r.origin.method == name]
    for result in named:
        if result.origin.of("sha256") == content.sha256:
            _refuse_verifier(result)
            return result
    if named:
        raise InputError(
            f"the CMC result {name!r} was made from other features "
            f"({named[0].origin.of('sha256')[:16]}, these are {content.sha256[:16]})",
            path,
            "give the features that it was made from, or evaluate these again",
        )
    known = ", ".join(repr(r.origin.method) for r in results) or "none"
    raise InputError(
        f"no CMC result is named {name!r}; there are: {known}",
        path,
        "give --result the JSON that tools/eval_cmc.py wrote for these features, and "
        "the name that stands in it",
    )


def _refuse_verifier(result: Cmc) -> None:
    """Raises InputError where the strips would show another ranking."""
    if result.origin.verifier:
        raise InputError(
            f"{result.origin.method!r} was not ranked by L2 distance, as strips and "
            f"distances are, but by a verifier ({result.origin.verifier})",
            result.origin.file,
            "leave out its --features, or evaluate them without --verifier",
        )


def _thumbnails(dataset: Dataset | None, split: str) -> Thumbnail:
    if dataset is None:
        return no_thumbnail
    if split:
        images = images_of_split(dataset, split)
        return thumbnail_maker(dataset.root, images, f"{dataset.root}, split {split!r}")
    every = [image for images in dataset.splits.values() for image in images]
    return thumbnail_maker(dataset.root, every, dataset.root)


def _files(inputs: Inputs) -> list[InputFile]:
    return [
        *(InputFile("result", path) for path in inputs.results),
        *(InputFile(f"features of {n}", path) for n, path in inputs.features.items()),
        *(InputFile(f"log of {name}", path) for name, path in inputs.logs.items()),
        *(InputFile("split", path) for path in inputs.split_files),
        *(InputFile("check of a data set", path) for path in inputs.checks),
    ]
