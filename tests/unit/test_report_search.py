"""Strips, nearest images and distances against plain sorting of all distances."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_fixture import BAD, make_inputs

from pydrdl.protocols.reid import draw_split
from pydrdl.protocols.search import (
    KINDS,
    OTHER_MODEL,
    SAME,
    SAME_MODEL,
    UNLABELLED,
    Search,
    nearest,
)
from pydrdl.protocols.search import search as search_gallery
from pydrdl.report import build
from pydrdl.report.content import Strip
from pydrdl.report.search import (
    first_wrong_models,
    make_strips,
    no_thumbnail,
    spread_successes,
    worst_failures,
)
from pydrdl.results import read_results
from pydrdl.results.result import Reidentification


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """The worse method's: it fails and succeeds."""
    inputs = make_inputs(tmp_path_factory.mktemp("search"))
    path, results = inputs.features[BAD], read_results(Reidentification, inputs.cmc)
    result, content = build.result_of(BAD, path, results)
    assert result.name == BAD
    return build.search_again(result, content, [], 1, path)


def every_distance(search: Search) -> np.ndarray:
    """(P, G) squared distances in float64, one by one."""
    features = search.features.astype(np.float64)
    return np.array(
        [
            [((features[p] - features[g]) ** 2).sum() for g in search.gallery]
            for p in search.probes
        ]
    )


def test_probes_and_gallery_are_of_the_repeat(search: Search) -> None:
    drawn = draw_split(search.names, search.vehicles, repeats=3, seed=4)
    assert search.gallery.tolist() == list(drawn.gallery[1])
    assert drawn.gallery[1] != drawn.gallery[0]
    assert sorted([*search.probes, *search.gallery]) == list(range(len(search.names)))
    assert len(set(search.vehicles[search.gallery])) == search.gallery.size == 24
    matched = search.vehicles[search.gallery[search.match]]
    np.testing.assert_array_equal(matched, search.vehicles[search.probes])


def test_strips_are_in_the_order_of_a_plain_sort(search: Search) -> None:
    everyone = np.arange(search.probes.size)
    strips = make_strips(search, everyone, lambda name: name.encode())
    distances = every_distance(search)
    for i, strip in enumerate(strips):
        order = np.argsort(distances[i], kind="stable")
        names = [search.names[search.gallery[g]] for g in order]
        vehicles = search.vehicles[search.gallery[order]]
        own = search.vehicles[search.probes[i]]
        assert strip.probe.image == search.names[search.probes[i]]
        assert [item.image for item in strip.found] == names[:10]
        assert [item.rank for item in strip.found] == list(range(1, 11))
        assert [item.right for item in strip.found] == (vehicles[:10] == own).tolist()
        assert strip.match.rank == 1 + int(np.flatnonzero(vehicles == own)[0])
        assert strip.match.image == names[strip.match.rank - 1]
        assert strip.match.right
        np.testing.assert_allclose(
            [item.distance for item in strip.found], np.sort(distances[i])[:10]
        )
        for item in (strip.probe, strip.match, *strip.found):
            assert item.jpeg == item.image.encode()
    assert any(strip.match.rank > 10 for strip in strips)  # shown at the end


def test_the_worst_failures_come_first_one_of_each_vehicle(search: Search) -> None:
    chosen = worst_failures(search, 8)
    distances = every_distance(search)
    own = distances[np.arange(search.probes.size), search.match]
    closer = (distances < own[:, None]).sum(axis=1)
    np.testing.assert_array_equal(closer, search.closer)
    vehicles = search.vehicles[search.probes]
    worst = {v: closer[vehicles == v].max() for v in set(vehicles.tolist())}
    expected = sorted((n for n in worst.values() if n), reverse=True)[:8]
    assert closer[chosen].tolist() == expected
    assert len(set(vehicles[chosen])) == chosen.size


def test_successes_go_from_narrow_to_clear(search: Search) -> None:
    chosen = spread_successes(search, 4)
    distances = np.sort(every_distance(search), axis=1)
    ratio = distances[:, 0] / distances[:, 1]
    assert chosen.size == 4
    assert (search.closer[chosen] == 0).all()
    assert all(ratio[a] >= ratio[b] for a, b in pairwise(chosen))
    won = search.closer == 0
    assert ratio[chosen[0]] == ratio[won].max()


def test_wrong_first_ones_are_counted_by_model(search: Search) -> None:
    expected: Counter[str] = Counter()
    for i, distances in enumerate(every_distance(search)):
        first = search.gallery[np.argmin(distances)]
        if search.vehicles[first] == search.vehicles[search.probes[i]]:
            continue
        models = search.models[search.probes[i]], search.models[first]
        if min(models) < 0:
            expected["unlabelled"] += 1
        else:
            expected["same model" if models[0] == models[1] else "other model"] += 1
    assert first_wrong_models(search) == expected
    assert len(expected) == 3


def test_histograms_count_every_pair_once(search: Search) -> None:
    histogram = search.histogram()
    distances = every_distance(search)
    kinds = np.empty(distances.shape, object)
    for i, p in enumerate(search.probes):
        for j, g in enumerate(search.gallery):
            models = search.models[p], search.models[g]
            if search.vehicles[p] == search.vehicles[g]:
                kinds[i, j] = SAME
            elif min(models) < 0:
                kinds[i, j] = UNLABELLED
            else:
                kinds[i, j] = SAME_MODEL if models[0] == models[1] else OTHER_MODEL
    own = distances[np.arange(len(distances)), search.match][:, None]
    assert sum(c.sum() for c in histogram.counts.values()) == distances.size
    for kind in KINDS:
        values = distances[kinds == kind]
        expected, _ = np.histogram(values, histogram.edges)
        np.testing.assert_array_equal(histogram.counts[kind], expected)
        assert histogram.mean[kind] == pytest.approx(values.mean())
        width = histogram.edges[1]
        assert histogram.median(kind) == pytest.approx(np.median(values), abs=width)
        if kind != SAME:
            nearer = ((distances < own) & (kinds == kind)).sum() / values.size
            assert histogram.nearer[kind] == pytest.approx(nearer)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 5), st.integers(1, 12), st.integers(1, 14), st.integers(0, 2**32 - 1)
)
def test_nearest_is_a_stable_sort(
    dimensions: int, gallery_size: int, count: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    # Few values: many distances are exactly equal.
    probes = rng.integers(0, 3, (4, dimensions)).astype(np.float32)
    gallery = rng.integers(0, 3, (gallery_size, dimensions)).astype(np.float32)
    rows, distances = nearest(probes, gallery, count)
    full = ((probes[:, None].astype(np.float64) - gallery) ** 2).sum(axis=2)
    order = np.argsort(full, axis=1, kind="stable")[:, :count]
    np.testing.assert_array_equal(rows, order)
    np.testing.assert_array_equal(distances, np.take_along_axis(full, order, axis=1))


def test_nearest_tells_distances_that_float32_products_do_not() -> None:
    gallery = np.full((3, 2), 4096, np.float32)
    gallery[:, 0] += np.array([2, 1, 0], np.float32) * 2**-10
    rows, _ = nearest(np.full((1, 2), 4096, np.float32), gallery, 3)
    assert rows.tolist() == [[2, 1, 0]]


def test_a_collapsed_net_is_shown_as_tied() -> None:
    """All features equal: nothing is closer, everything is as far."""
    vehicles = np.array([1, 2, 3, 1, 2, 3])
    features, gallery = np.ones((6, 2), np.float32), np.arange(3)
    search = search_gallery("abcdef", vehicles, np.full(6, -1), features, gallery)
    assert search.probes.tolist() == [3, 4, 5]
    assert search.match.tolist() == [0, 1, 2]
    assert (search.closer.tolist(), search.equal.tolist()) == ([0] * 3, [2] * 3)
    assert not worst_failures(search, 5).size
    assert not spread_successes(search, 5).size
    (strip,) = make_strips(search, np.array([1]), no_thumbnail)
    assert isinstance(strip, Strip)
    assert "match at rank 1, tied with 2 others" in strip.summary
    assert search.histogram().counts[SAME].sum() == 3
