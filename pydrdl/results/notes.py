"""What must be known to compare results, in words: how each was measured, on what.

A terminal's table has all of it; a report's has what holds for its rows.
"""

import math
from collections.abc import Sequence
from typing import Any

from pydrdl import paper
from pydrdl.results.result import (
    SMALL,
    CrossCamera,
    DrawnResult,
    Reidentification,
    Result,
    Retrieval,
    Verification,
)
from pydrdl.table import plural, rate, short

# Queries of VeRi-776 and of VERI-Wild's three test sets, as released.
KNOWN_QUERIES = {
    1_678: "VeRi-776",
    3_000: "VERI-Wild, small",
    5_000: "VERI-Wild, medium",
    10_000: "VERI-Wild, large",
}
MAP_NOTE = (
    "MAP sums precision in steps, the trapezoid column between them. The paper says "
    "neither which it took, nor how often it drew, and prints a rule, max{6, N - 1}, "
    "that leaves most vehicles without a probe."
)


def notes(results: Sequence[Result]) -> list[str]:
    """What must be known to compare the terminal's table; a line each."""
    lines = []
    for result in results:
        how, *more = _how(result)
        lines.append(f"{result.name}: protocol {result.PROTOCOL}, {how}")
        lines += [f"  {line}" for line in more if line]
    return [*lines, *_closing(results)]


def _how(result: Result) -> list[str]:
    """How it was measured, the first line to stand behind its protocol."""
    features = f"features {short(result.features.sha256)}"
    if isinstance(result, Verification):
        return [features, *_origin(result), *_pairs(result)]
    if isinstance(result, CrossCamera):
        known = KNOWN_QUERIES.get(result.queries)
        as_many = f"; as many queries as in {known}" if known else ""
        return [
            f"image to {result.image_to}, {plural(result.vehicles, 'vehicle')} in the "
            f"gallery{as_many}",
            f"{plural(result.junk_pairs, 'pair')} of the same vehicle and camera left "
            "out",
            f"queries and gallery {short(result.sides_sha256)}, {features}",
            _ties(result.ties.queries, result.ties, "MAP"),
            *_origin(result),
        ]
    assert isinstance(result, Reidentification | Retrieval)
    split = result.split
    seed = "" if split.seed is None else f", seed {split.seed}"
    over = "; ± is the standard deviation over them" if result.repeats > 1 else ""
    hashes, what = f"split {short(split.sha256)}, {features}", "MAP"
    if isinstance(result, Reidentification):
        hashes += f", chance at rank 1: {rate(1 / result.gallery, 4)}"
        what = "rank-1"
    return [
        f"gallery = {split.name}{seed}, {plural(result.repeats, 'repeat')}{over}",
        hashes,
        _ties(result.ties.probes, result.ties, what),
        *_origin(result),
        lost_note(result),
    ]


def lost_note(result: Reidentification | Retrieval) -> str:
    """Which vehicles are searched, and never searched for; "" where there are none."""
    left = result.vehicles_without_probe
    if not left:
        return ""
    if isinstance(result, Reidentification):
        alone = "with one image: in the gallery, without a probe"
        return f"{plural(left, 'vehicle')} {alone}"
    of = plural(result.vehicles, result.relevance or "vehicle")
    return f"{left:,} of {of} have too few images for a probe: all in the gallery"


def _origin(result: Result) -> list[str]:
    """Which weights it is of, where its file says so, and what compared."""
    lines, made, used = [], result.features, result.verifier
    if made.weights:
        lines.append(f"weights {made.weights}, layer {made.layer}")
    if used is not None:
        trained_on = str(used.training.get("features_sha256", ""))
        lines.append(
            f"compared by {result.compared_by}, {used.path} {short(used.sha256)}, "
            f"trained on {used.training.get('label')}s, features {short(trained_on)}"
        )
        if trained_on == made.sha256:
            lines.append("it was trained on these very images: no test result")
    return lines


def _pairs(result: Verification) -> list[str]:
    lines = [
        f"{of.name}: {of.rule}; {of.same:,} same, {of.different:,} different; pairs "
        f"{short(of.sha256)}"
        for of in result.pairs
    ]
    told = result.pairs[0].training
    if told is not None:
        value = -math.inf if told.threshold is None else told.threshold
        cut = f"threshold {value:.4g}"
        if result.verifier is not None:  # distances are minus its scores
            cut = f"threshold: a score of at least {-value:.4g},"
        lines.append(
            f"{cut} from {told.rule} of features {short(told.features_sha256)}, pairs "
            f"{short(told.pairs_sha256)}, accuracy there {rate(told.accuracy)}"
        )
    return lines


def _ties(tied: float, ties: Any, what: str) -> str:
    """What ties do to a number; tied: fraction of probes that have any."""
    if tied == 0:
        return "ties: none"
    text = (
        f"ties: {tied:.2%} of the probes have other vehicles exactly as far as the "
        f"match ({ties.mean_equal:.3g} on average over all)"
    )
    if ties.optimistic == ties.pessimistic:
        return f"{text}; no rate depends on it"
    best, worst = (
        rate(end[0] if isinstance(end, list) else end)
        for end in (ties.optimistic, ties.pessimistic)
    )
    return f"{text}; expected rank used; {what} optimistic {best}, pessimistic {worst}"


def _closing(results: Sequence[Any]) -> list[str]:
    """What holds for all of one kind."""
    first = results[0]
    if isinstance(first, DrawnResult):
        sizes = dict.fromkeys(map(size_note, results))
        return [*([MAP_NOTE] if isinstance(first, Retrieval) else []), *sizes]
    if isinstance(first, CrossCamera):
        return [
            "MAP sums precision in steps, the trapezoid column as Market-1501's "
            "evaluation does. The paper has no such table."
        ]
    lines = [
        "optimal chooses the threshold on the judged pairs: an upper bound, no result.",
        "The paper measures on CompCars, and does not say where its threshold is from; "
        "none: the training did not converge.",
    ]
    if any(of.accuracy is None for result in results for of in result.pairs):
        lines.insert(
            0,
            "No accuracy without a threshold from training pairs: give --train. "
            "10-fold chooses it on nine tenths of the pairs for the last.",
        )
    return lines


def size_note(result: Reidentification | Retrieval, *, drawn: bool = False) -> str:
    """How its size compares with the paper's; drawn: its images were rendered."""
    split, n = result.paper_split, result.paper_size
    if n is None:
        return (
            "A match is an image of the same vehicle model. How many models its splits "
            f"hold the paper does not say; its {SMALL.name} column stands for "
            "orientation only."
        )
    cmc = isinstance(result, Reidentification)
    if split is None:
        size = f"with a gallery of {n:,}" if cmc else f"of {n:,} vehicles"
        where = "Table 6, gallery " if cmc else ""
        return (
            f"The paper has no split {size}; its {SMALL.name} column ({where}"
            f"{SMALL.vehicles:,}) stands for orientation only, and no difference is "
            "given: fewer vehicles are easier to search."
        )
    if drawn or not result.same_test():
        return (
            f"As many vehicles as in the paper's {split.name} split, but not its "
            "photographs: its column stands for orientation only, and no difference is "
            "given."
        )
    released = paper.released_split(split.name)
    if not cmc:
        return (
            f"The paper's {split.name} split has {split.images:,} images (Table 2), "
            f"the list released after it {released.images:,}."
        )
    if result.probes == split.probes:
        return f"Gallery and probes are as many as in the paper's {split.name} split."
    used = f"; {result.probes:,} are of another set"
    if result.probes == released.probes:
        used = ": as many as here"
    return (
        f"The paper's {split.name} split has {split.probes:,} probes (Table 5), the "
        f"list released after it {released.probes:,}{used}."
    )
