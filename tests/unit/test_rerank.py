"""k-reciprocal re-ranking against sets and loops, as the paper words it."""

import math

import numpy as np
import pytest

from pydrdl.gallery.rerank import rerank


def drawn(count: int, seed: int, width: int = 8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((count // 6 + 1, width))
    points = centres[np.arange(count) // 6] + 0.7 * rng.standard_normal((count, width))
    query = centres[0] + 0.7 * rng.standard_normal(width)
    return query.astype(np.float32), points.astype(np.float32)


def by_hand(query, found, k1: int, k2: int, weight: float) -> list[float]:
    """Zhong et al., Sec. 3, with sets of points; the query is point 0."""
    points = [query.astype(float), *found.astype(float)]
    n = len(points)
    d = [[float(((p - q) ** 2).sum()) for q in points] for p in points]
    # Their code divides by the largest distance to each point.
    d = [[d[p][q] / max(d[p]) for q in range(n)] for p in range(n)]
    order = [sorted(range(n), key=lambda q, p=p: (d[p][q], q)) for p in range(n)]

    def nearest(p: int, k: int) -> set[int]:  # N(p, k), and p itself
        return set(order[p][: k + 1])

    def reciprocal(p: int, k: int) -> set[int]:  # Eq. 2
        return {q for q in nearest(p, k) if p in nearest(q, k)}

    def expanded(p: int) -> set[int]:  # Eq. 3
        start = reciprocal(p, k1)
        result = set(start)
        for q in start:
            own = reciprocal(q, round(k1 / 2))
            if len(start & own) > 2 / 3 * len(own):
                result |= own
        return result

    def weights(p: int) -> list[float]:  # Eq. 7, of sum 1
        inside = expanded(p)
        values = [math.exp(-d[p][q]) if q in inside else 0.0 for q in range(n)]
        return [value / sum(values) for value in values]

    each = [weights(p) for p in range(n)]

    def averaged(p: int) -> list[float]:  # Eq. 11
        near = order[p][:k2]
        return [sum(each[q][i] for q in near) / len(near) for i in range(n)]

    spread = [averaged(p) for p in range(n)]
    result = []
    for p in range(1, n):
        least = sum(min(a, b) for a, b in zip(spread[0], spread[p], strict=True))
        most = sum(max(a, b) for a, b in zip(spread[0], spread[p], strict=True))
        result.append((1 - weight) * (1 - least / most) + weight * d[0][p])
    return result


@pytest.mark.parametrize(("count", "seed"), [(100, 0), (100, 1), (40, 2), (9, 3)])
@pytest.mark.parametrize(("k1", "k2", "weight"), [(20, 6, 0.3), (5, 1, 0.5), (7, 3, 0)])
def test_as_the_paper_words_it(count, seed, k1, k2, weight) -> None:
    query, found = drawn(count, seed)
    expected = by_hand(query, found, k1, k2, weight)
    assert len(set(np.round(expected, 6))) > min(count, k1) / 2  # it tells them apart
    result = rerank(query, found, k1, k2, weight)
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-12)


def test_only_the_distance_is_the_distance() -> None:
    query, found = drawn(60, 4)
    result = rerank(query, found, weight=1.0)
    distances = ((found.astype(float) - query) ** 2).sum(axis=1)
    np.testing.assert_allclose(result, distances / distances.max(), rtol=1e-6)


def test_it_brings_the_query_s_own_to_the_front() -> None:
    """What it is for: rows between two clouds go behind those of the query's."""
    better = 0
    for seed in range(20):
        query, found = drawn(100, seed)
        own = np.arange(100) < 6
        plain = np.argsort(((found.astype(float) - query) ** 2).sum(axis=1))
        anew = np.argsort(rerank(query, found), kind="stable")
        better += int(own[anew][:6].sum()) - int(own[plain][:6].sum())
    assert better > 5


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_hits(count: int) -> None:
    query, found = drawn(count, 5)
    assert np.isfinite(rerank(query, found)).all()
    assert rerank(query, np.repeat(query[None], count, axis=0)).tolist() == [0] * count
