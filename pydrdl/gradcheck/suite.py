"""Which cases to check, on which devices, and the rows as a table and as JSON."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import product

from rich import box
from rich.table import Table

from pydrdl import __version__
from pydrdl.gradcheck.case import Case
from pydrdl.gradcheck.cases import layer_cases, net_case
from pydrdl.gradcheck.check import GradientRow, Verdict, check
from pydrdl.parallel import Progress, unseen
from pydrdl.pycaffe import import_caffe

SCHEMA = "drdl.gradcheck/1"
WIDTH = 108  # columns are not cut to fit a pipe's or a terminal's 80
WORDS = ("layer", "bottom", "device", "type", "mode")
NUMBERS = ("checked", "kinks", "max |g|", "error", "off dL/df")


def select_cases(
    layers: Collection[str], modes: Collection[str], samples: int
) -> list[Case]:
    """The cases of some layers and modes; of all, where none is named."""
    return [
        case
        for case in (*layer_cases(), net_case(samples))
        if (not layers or case.layer in layers) and (not modes or case.mode in modes)
    ]


def check_all(
    cases: Collection[Case],
    devices: Collection[str],
    seed: int,
    progress: Progress = unseen,
) -> list[GradientRow]:
    """Checks every case on every device, "cpu" or "gpu", which must be there."""
    caffe = import_caffe()
    rows: list[GradientRow] = []
    pairs = [(case, device) for device, case in product(devices, cases)]
    try:
        for case, device in progress(pairs, "checking", len(pairs)):
            if device == "gpu":
                caffe.set_device(0)
                caffe.set_mode_gpu()
            else:
                caffe.set_mode_cpu()
            rows += check(case, device, seed)
    finally:
        caffe.set_mode_cpu()
    return rows


def gradient_table(rows: Sequence[GradientRow]) -> Table:
    """A line for each row; a rule between layers and devices."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    for title in (*WORDS, *NUMBERS, "verdict"):
        right = title in NUMBERS
        table.add_column(title, justify="right" if right else "left", no_wrap=True)
    for i, row in enumerate(rows):
        judgement, off = row.judgement, row.off_derivative
        table.add_row(
            row.layer,
            row.bottom,
            row.device,
            row.precision,
            row.mode,
            str(judgement.checked),
            str(judgement.skipped),
            f"{judgement.max_gradient:.2g}",
            f"{judgement.error:.1e}",
            "" if off is None else f"{off:.1e}",
            judgement.verdict.value,
            end_section=i + 1 < len(rows)
            and (row.layer, row.device) != (rows[i + 1].layer, rows[i + 1].device),
        )
    return table


def notes(rows: Sequence[GradientRow]) -> list[str]:
    """What must be known to read the table, and why a row is not ok."""
    found = [
        f"{row.judgement.verdict.value}: {row.layer} {row.bottom}, {row.device} "
        f"{row.precision} {row.mode}: {row.judgement.reason}"
        for row in rows
        if row.judgement.verdict is not Verdict.OK
    ]
    if any(row.off_derivative is not None for row in rows):
        found.append(
            "CENTER_CONSTANT is checked as the derivative with the centre held fixed, "
            "PAPER as Eq. 7 and 8; off dL/df is how far each is from the derivative "
            "of Eq. 6."
        )
    return found


def summary(rows: Sequence[GradientRow]) -> str:
    """How many rows had which verdict, in one line."""
    count = Counter(row.judgement.verdict for row in rows)
    worst = max((r.judgement.error for r in rows if r.precision == "f64"), default=0.0)
    return (
        f"{len(rows)} rows: {count[Verdict.OK]} ok, {count[Verdict.FAIL]} FAIL, "
        f"{count[Verdict.VACUOUS]} VACUOUS; largest relative error in double "
        f"{worst:.1e}"
    )


def passed(rows: Sequence[GradientRow]) -> bool:
    """Whether there are rows and every one is ok."""
    return bool(rows) and all(r.judgement.verdict is Verdict.OK for r in rows)


def gradient_json(
    rows: Sequence[GradientRow], seed: int, not_checked: Mapping[str, str]
) -> dict[str, object]:
    """All of it, and devices that were not checked and why; no finite number: null."""
    return {
        "schema": SCHEMA,
        "pydrdl": __version__,
        "seed": seed,
        "passed": passed(rows),
        "not_checked": dict(not_checked),
        "rows": [
            {
                "layer": row.layer,
                "bottom": row.bottom,
                "device": row.device,
                "type": row.precision,
                "mode": row.mode,
                "checked": row.judgement.checked,
                "skipped_at_kinks": row.judgement.skipped,
                "max_gradient": _finite(row.judgement.max_gradient),
                "relative_error": _finite(row.judgement.error),
                "off_derivative": _finite(row.off_derivative),
                "verdict": row.judgement.verdict.value,
                "reason": row.judgement.reason,
            }
            for row in rows
        ],
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
