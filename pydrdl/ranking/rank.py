"""Ranking by blocks of probes, one a thread."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info, threadpool_limits

from pydrdl.metrics.matches import Matches
from pydrdl.ranking.ranker import Ranker
from pydrdl.ranking.trial import Trial

Float32 = NDArray[np.float32]
Int = NDArray[np.int64]
# Wraps the blocks to show how far the work is: (blocks, what, total).
Progress = Callable[[Iterable[None], str, int], Iterable[None]]

BLOCK_VALUES = 2**22  # products of one thread at a time: 16 MiB
BLOCK_ROWS = 512  # more make the GEMM hardly faster
FIRST_ROWS = 64  # may show that float32 will not do: little is then lost


class Counts(NamedTuple):
    """For each probe, other gallery items against its match; both (P,).

    Attributes:
        closer: items nearer than the match.
        equal: items exactly as far as the match, itself not counted.
    """

    closer: Int
    equal: Int


def count_closer(
    probes: Float32, gallery: Float32, match: Int, *, block: int = BLOCK_ROWS
) -> Counts:
    """Ranks every probe's match among the gallery by squared L2 distance.

    Args:
        probes: (P, D) finite features, of any norm.
        gallery: (G, D) finite features.
        match: (P,) gallery row that shows the probe's vehicle.
        block: probes of one GEMM; memory grows with block x G.

    Raises:
        ValueError: shapes do not fit, or a match lies outside the gallery.
    """
    if match.shape != probes.shape[:1]:
        raise ValueError(f"match of shape {match.shape}; expected {probes.shape[:1]}")
    everyone = np.arange(len(probes))
    trial = Trial(
        everyone,
        np.arange(len(gallery)),
        everyone,
        np.asarray(match, np.int64),
        np.zeros(len(probes), bool),
    )
    (found,) = rank_matches(probes, gallery, [trial], block=block)
    return Counts(found.closer, found.equal)


def rank_matches(
    probes: Float32,
    gallery: Float32,
    trials: Sequence[Trial],
    *,
    block: int = BLOCK_ROWS,
    what: str = "ranking",
    progress: Progress = lambda blocks, what, total: blocks,
) -> list[Matches]:
    """Ranks every match of every trial by squared L2 distance.

    Args:
        probes: (N, D) finite features, of any norm.
        gallery: (M, D) finite features; may be the same array.
        trials: rows of the two.
        block: the most probes of one GEMM.
        what: for the progress bar.
        progress: wraps the blocks.

    Returns:
        For each trial its matches, in the order of its pairs.

    Raises:
        ValueError: shapes or rows do not fit, or a probe has no match.
    """
    if probes.ndim != 2 or gallery.ndim != 2 or probes.shape[1] != gallery.shape[1]:
        raise ValueError(
            f"probes of shape {probes.shape}, gallery of shape {gallery.shape}; "
            "expected (P, D) and (G, D)"
        )
    for trial in trials:
        trial.check(len(probes), len(gallery))
    ranker = Ranker(probes, gallery, trials)
    size = min(block, max(64, BLOCK_VALUES // ranker.candidates.size))
    first = min(FIRST_ROWS, size)
    ends = [first, *range(first + size, ranker.rows.size, size)]
    blocks = [part for part in np.split(ranker.rows, ends) if part.size]
    for _ in progress(_in_threads(ranker.count, blocks), what, len(blocks)):
        pass
    return [counted.matches() for counted in ranker.trials]


def _in_threads(work: Callable[[Int], None], blocks: Sequence[Int]) -> Iterator[None]:
    """As many threads as BLAS would take, each with a block and a BLAS of its own.

    Counting is then as parallel as multiplying; NumPy lets other threads run.
    """
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    threads = min([pool["num_threads"] for pool in pools], default=1)
    with (
        threadpool_limits(1 if threads > 1 else None, user_api="blas"),
        ThreadPoolExecutor(threads) as pool,
    ):
        try:
            yield from pool.map(work, blocks)
        finally:
            pool.shutdown(cancel_futures=True)
