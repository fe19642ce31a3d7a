"""From files to a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pydrdl.datasets import images_of_split
from pydrdl.datasets.dataset import Dataset, Image, is_drawn
from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, check_features, read_features
from pydrdl.logs.reader import TrainingLog, read_log
from pydrdl.protocols.search import Search, search
from pydrdl.protocols.split import Split, load_split
from pydrdl.report import scores
from pydrdl.report.content import Report, Section
from pydrdl.report.inputs import dataset_section, provenance_section, training_section
from pydrdl.report.search import (
    Thumbnail,
    distance_section,
    no_thumbnail,
    strip_section,
    thumbnail_maker,
)
from pydrdl.report.summary import setup_section, summary_section
from pydrdl.results import SCHEMAS, read_results
from pydrdl.results.comparison import of_kind
from pydrdl.results.evaluate import split_of
from pydrdl.results.result import (
    CrossCamera,
    DrawnResult,
    Reidentification,
    Result,
    Retrieval,
    Verification,
    method_and_seed,
)


@dataclass(frozen=True)
class Inputs:
    """What a report is made from, as drdl report is given it; one thing is enough."""

    results: Sequence[Path] = ()
    # Files by the name of their CMC result.
    features: Mapping[str, Path] = field(default_factory=dict)
    # Files by the name of their result.
    logs: Mapping[str, Path] = field(default_factory=dict)
    dataset: Dataset | None = None
    split: str = ""  # show only images of this split of dataset; empty: of all
    # Splits that cannot be drawn again from their seed.
    split_files: Sequence[Path] = ()
    checks: Sequence[Path] = ()
    repeat: int = 0  # which gallery strips and distances show, from 0
    failures: int = 8  # strips of them for each method, as of successes
    successes: int = 4
    maps: int = 0  # failures of each method whose heat maps are drawn
    title: str = "Vehicle re-identification"
    date: str = ""
    command: str = ""
    # Of further things, by name.
    versions: Mapping[str, str] = field(default_factory=dict)


def build_report(inputs: Inputs) -> Report:
    """Reads the files and makes every section that they have something for.

    Raises:
        InputError: a file cannot be used, features are of no result, two results
            claim the same name and test, trainings of one method were compared
            differently, or there is nothing to report.
    """
    results = [one for path in inputs.results for one in read_results(Result, path)]
    results.sort(key=lambda one: list(SCHEMAS).index(one.SCHEMA))
    refuse_mixed(results)
    logs = {name: read_log(path) for name, path in inputs.logs.items()}
    sections = _result_sections(inputs, results, logs)
    if inputs.features:
        searches, files_of = _searches(inputs, results)
        repeat = inputs.repeat
        strips = _thumbnails(inputs), inputs.failures, inputs.successes
        sections.append(strip_section(searches, repeat, *strips))
        if inputs.maps:
            sections.append(_maps(inputs, searches, files_of))
        sections.append(distance_section(searches, repeat))
    if logs:
        sections.append(training_section(logs))
    if inputs.dataset is not None or inputs.checks:
        sections.append(dataset_section(inputs.dataset, inputs.checks))
    if not sections:
        what = "there is nothing to report"
        advice = "give at least one of them"
        raise InputError(what, "--result, --log, --data, --check", advice)
    files = [
        *(("result", path) for path in inputs.results),
        *((f"features of {name}", path) for name, path in inputs.features.items()),
        *((f"log of {name}", path) for name, path in inputs.logs.items()),
        *(("split", path) for path in inputs.split_files),
        *(("check of a data set", path) for path in inputs.checks),
    ]
    made_by = inputs.command, inputs.versions
    sections.append(provenance_section(results, files, *made_by))
    return Report(inputs.title, inputs.date, sections)


def _result_sections(
    inputs: Inputs, results: Sequence[Result], logs: Mapping[str, TrainingLog]
) -> list[Section]:
    if not results:
        return []
    drawn = inputs.dataset is not None and is_drawn(inputs.dataset)
    sections = [summary_section(results, inputs.dataset, logs)]
    if cmc := of_kind(Reidentification, results):
        sections.append(scores.match_rate_section(cmc, drawn=drawn))
    if maps := of_kind(Retrieval, results):
        sections.append(scores.retrieval_section(maps, drawn=drawn))
    if pairs := of_kind(Verification, results):
        sections.append(scores.verification_section(pairs))
    if cameras := of_kind(CrossCamera, results):
        sections.append(scores.cross_camera_section(cameras))
    return [*sections, setup_section(results, inputs.dataset, logs)]


def refuse_mixed(results: Sequence[Result]) -> None:
    """A name stands for one training on one test, or the page misleads.

    Trainings of one method differ in their seed, and in nothing else.

    Raises:
        InputError: they do not.
    """
    names: dict[tuple[str, str, str], Result] = {}
    methods: dict[tuple[str, str, str], Result] = {}
    every = [
        one
        for result in results
        for one in (result.lists() if isinstance(result, Verification) else [result])
    ]
    for one in every:
        twin = names.setdefault((one.WORD, one.name, one.test), one)
        first = methods.setdefault((one.WORD, one.method, one.test), one)
        advice = "a method for each, or a seed for each"
        if twin is not one:
            of = "split" if isinstance(one, DrawnResult) else "images"
            what = f"two {one.WORD} results are named {one.name!r}, of the same {of}"
            first, advice = twin, "a name for each"
        elif (first.seed is None) != (one.seed is None):
            named = f"{one.WORD} results are named {first.name!r} and {one.name!r}"
            what = f"{named}: is the one a training like the other?"
        elif one.compared_by != first.compared_by:
            what = (
                f"trainings of {one.method!r} were compared by {first.compared_by} and "
                f"by {one.compared_by} ({one.WORD}): their mean would be of neither"
            )
        else:
            continue
        where = f"{first.file} and {one.file}"
        raise InputError(what, where, f"evaluate again with --name: {advice}")


def _searches(
    inputs: Inputs, results: Sequence[Result]
) -> tuple[dict[str, Search], dict[str, Path]]:
    """One repeat of each features file's result, and the file, by the result's name."""
    given = [load_split(path) for path in inputs.split_files]
    cmc = of_kind(Reidentification, results)
    found, files = {}, {}
    for name, path in inputs.features.items():
        result, content = result_of(name, path, cmc)
        found[result.name] = search_again(result, content, given, inputs.repeat, path)
        files[result.name] = path
    return found, files


def result_of(
    name: str, path: Path, results: Sequence[Reidentification]
) -> tuple[Reidentification, FeatureSet]:
    """The result that has this name and was made from these features.

    Raises:
        InputError: there is none, or it was not ranked by L2 distance.
    """
    content = read_features(path)
    sha256 = content.sha256
    named = [one for one in results if (one.method, one.seed) == method_and_seed(name)]
    result = next((one for one in named if one.features.sha256 == sha256), None)
    if result is None and named:
        raise InputError(
            f"the CMC result {name!r} was made from other features "
            f"({named[0].features.sha256[:16]}, these are {sha256[:16]})",
            path,
            "give the features that it was made from, or evaluate these again",
        )
    if result is None:
        known = ", ".join(repr(one.name) for one in results) or "none"
        raise InputError(
            f"no CMC result is named {name!r}; there are: {known}",
            path,
            "give --result the JSON that tools/eval_cmc.py wrote for these features, "
            "and the name that stands in it",
        )
    if result.verifier is not None:  # the strips would show another ranking
        raise InputError(
            f"{result.name!r} was not ranked by L2 distance, as strips and "
            f"distances are, but by a verifier ({result.verifier.kind})",
            result.file,
            "leave out its --features, or evaluate them without --verifier",
        )
    return result, content


def search_again(
    result: Reidentification,
    content: FeatureSet,
    given: Sequence[Split],
    repeat: int,
    where: Path,
) -> Search:
    """Ranks one repeat of a result, from 0, as its evaluation did.

    Raises:
        InputError: its split is not known, there is no such repeat, or features
            cannot be ranked.
    """
    split = split_of(result, content, given)
    if not 0 <= repeat < len(split.gallery):
        raise InputError(
            f"there is no repeat {repeat}; the split of {result.name!r} has "
            f"{len(split.gallery)}, from 0",
            "--repeat",
            "name one of them",
        )
    check_features(content.features, content.names, where)
    rows = split.rows_in(content.names, content.vehicle_ids, where)
    labels = np.array(split.vehicle_ids, np.int64), content.model_ids[rows]
    gallery = np.array(split.gallery[repeat], np.int64)
    return search(split.images, *labels, content.features[rows], gallery)


def _thumbnails(inputs: Inputs) -> Thumbnail:
    if inputs.dataset is None:
        return no_thumbnail
    return thumbnail_maker(inputs.dataset.root, *_images(inputs.dataset, inputs.split))


def _maps(
    inputs: Inputs, searches: Mapping[str, Search], files: Mapping[str, Path]
) -> Section:
    """Heat maps, of the nets that made the features."""
    from pydrdl.report.maps import map_section

    if inputs.dataset is None:
        what = "heat maps are drawn over photographs, and there is no data set"
        raise InputError(what, "--maps", "give --data too, or leave out --maps")
    photographs = inputs.dataset.root, *_images(inputs.dataset, inputs.split)
    return map_section(searches, files, photographs, inputs.maps)


def _images(dataset: Dataset, split: str) -> tuple[list[Image], str]:
    """Images that may be shown, and where they are, for messages."""
    if split:
        images = [*images_of_split(dataset, split)]
        return images, f"{dataset.root}, split {split!r}"
    every = [image for images in dataset.splits.values() for image in images]
    return every, str(dataset.root)
