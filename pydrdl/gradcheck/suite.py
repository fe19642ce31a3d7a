"""Which cases to check, and on which devices."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product

from rich import box
from rich.table import Table

from pydrdl import __version__
from pydrdl.gradcheck.case import Case, Verdict
from pydrdl.gradcheck.check import Row, check
from pydrdl.pycaffe import import_caffe

Progress = Callable[[Iterable[tuple[Case, str]], str, int], Iterator[tuple[Case, str]]]


def select_cases(
    layers: Collection[str], modes: Collection[str], samples: int
) -> list[Case]:
    """The cases of some layers and modes; of all, where none is named.

    Args:
        layers: to check, such as "TripletLoss".
        modes: to check, such as "HARD".
        samples: parameters of each layer of the whole net.
    """
    import_caffe()  # first, or it fills the screen with its log
    from pydrdl.gradcheck.cases import layer_cases, net_case

    return [
        case
        for case in (*layer_cases(), net_case(samples))
        if (not layers or case.layer in layers) and (not modes or case.mode in modes)
    ]


def check_all(
    cases: Collection[Case],
    devices: Collection[str],
    seed: int,
    progress: Progress = lambda items, what, total: iter(items),
) -> list[Row]:
    """Checks every case on every device.

    Args:
        cases: what to check.
        devices: "cpu", "gpu"; they must be there.
        seed: of all that is random.
        progress: shows how far it is.
    """
    caffe = import_caffe()
    rows: list[Row] = []
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


# Rows of the gradient check as a table, as a line and as JSON.


SCHEMA = "drdl.gradcheck/1"
WIDTH = 108  # columns are not cut to fit a pipe's or a terminal's 80
TITLES = (
    ("layer", "bottom", "device", "type", "mode"),
    ("checked", "kinks", "max |g|", "error", "off dL/df", "verdict"),
)


def gradient_table(rows: Sequence[Row]) -> Table:
    """A line for each row; a rule between layers and devices."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    for title in TITLES[0]:
        table.add_column(title, no_wrap=True)
    for title in TITLES[1]:
        right = title != "verdict"
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


def notes(rows: Sequence[Row]) -> list[str]:
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


def summary(rows: Sequence[Row]) -> str:
    """How many rows had which verdict, in one line."""
    count = Counter(row.judgement.verdict for row in rows)
    worst = max((r.judgement.error for r in rows if r.precision == "f64"), default=0.0)
    return (
        f"{len(rows)} rows: {count[Verdict.OK]} ok, {count[Verdict.FAIL]} FAIL, "
        f"{count[Verdict.VACUOUS]} VACUOUS; largest relative error in double "
        f"{worst:.1e}"
    )


def passed(rows: Sequence[Row]) -> bool:
    """Whether there are rows and every one is ok."""
    return bool(rows) and all(r.judgement.verdict is Verdict.OK for r in rows)


def gradient_json(
    rows: Sequence[Row], seed: int, not_checked: Mapping[str, str]
) -> dict[str, object]:
    """All of it, for machines; a number that is not finite is null.

    Args:
        rows: the results.
        seed: what they were made with.
        not_checked: devices that were left out, and why.
    """
    return {
        "schema": SCHEMA,
        "pydrdl": __version__,
        "seed": seed,
        "passed": passed(rows),
        "not_checked": dict(not_checked),
        "rows": [_row_json(row) for row in rows],
    }


def _row_json(row: Row) -> dict[str, object]:
    judgement = row.judgement
    return {
        "layer": row.layer,
        "bottom": row.bottom,
        "device": row.device,
        "type": row.precision,
        "mode": row.mode,
        "checked": judgement.checked,
        "skipped_at_kinks": judgement.skipped,
        "max_gradient": _finite(judgement.max_gradient),
        "relative_error": _finite(judgement.error),
        "off_derivative": _finite(row.off_derivative),
        "verdict": judgement.verdict.value,
        "reason": judgement.reason,
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
