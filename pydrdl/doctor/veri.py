"""VeRi-776's own answers against its lists."""

from pydrdl.datasets.types import Dataset
from pydrdl.datasets.veri import NAME
from pydrdl.datasets.veri_truth import (
    JUNK,
    MATCHES,
    TRACKS,
    read_tracks,
    read_truth,
    truth_faults,
)
from pydrdl.doctor.problem import Problem, Severity, problem
from pydrdl.errors import InputError
from pydrdl.paths import exists


def check_answers(dataset: Dataset) -> list[Problem]:
    """Checks gt_index.txt, jk_index.txt and test_track.txt; nothing elsewhere."""
    if dataset.name != NAME or not {"query", "test"} <= dataset.splits.keys():
        return []
    absent = [f for f in (MATCHES, JUNK, TRACKS) if not exists(dataset.root / f)]
    faults: list[InputError] = []
    try:
        if MATCHES not in absent and JUNK not in absent:
            faults += truth_faults(dataset, read_truth(dataset))
        if TRACKS not in absent:
            read_tracks(dataset)
    except InputError as error:
        faults.append(error)
    return [
        *problem(
            "wrong_answers",
            Severity.ERROR,
            f"lines of {MATCHES}, {JUNK} or {TRACKS} that contradict the lists",
            [f"{fault.where}: {fault.what}" for fault in faults],
            "get lists and answers from the same release",
        ),
        *problem(
            "absent_answers",
            Severity.WARNING,
            "answer files of VeRi-776 that are missing",
            absent,
            "get them from the release; training does not need them",
        ),
    ]
