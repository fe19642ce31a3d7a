"""Which vehicles are rendered: long tails, labels, and sums that are met exactly."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydrdl import paper
from pydrdl.errors import InputError
from pydrdl.render.draws import choose, generator, with_sum
from pydrdl.render.model import FAMILIES, draw_model
from pydrdl.render.vehicleid import (
    PRESETS,
    Fleet,
    attribute_files,
    changed,
    draw_fleet,
    split_files,
)

PAPER, DEMO = PRESETS["paper"], PRESETS["demo"]


@pytest.fixture(scope="module")
def whole() -> Fleet:
    return draw_fleet(PAPER)


def test_the_paper_preset_meets_tables_1_and_2(whole: Fleet) -> None:
    counts, train = whole.counts, whole.lists["train"]
    assert (len(whole), counts.sum()) == (26_267, 221_763)
    assert (len(train), counts[train].sum()) == (13_134, 110_178)
    testing = np.setdiff1d(np.arange(len(whole)), train)
    assert (testing.size, counts[testing].sum()) == (13_133, 111_585)
    for name, vehicles, images in (
        ("test_800", 800, 7_332), ("test_1600", 1_600, 12_995),
        ("test_2400", 2_400, 20_038),
    ):  # fmt: skip
        chosen = whole.lists[name]
        assert (np.unique(chosen).size, counts[chosen].sum()) == (vehicles, images)
        assert np.isin(chosen, testing).all()
    assert whole.labelled.sum() == paper.LABELLED_VEHICLES
    for part, images in ((train, 47_558), (testing, 42_638)):
        assert counts[part][whole.labelled[part]].sum() == images
    assert counts.min() == 2
    assert np.array_equal(np.sort(whole.names), np.arange(1, 221_764))


def test_its_test_lists_are_draws_of_their_own(whole: Fleet) -> None:
    """As the release's, which share 98, 146 and 285 vehicles."""
    small, medium, large = (whole.lists[f"test_{n}"] for n in (800, 1600, 2400))
    for first, second in ((small, medium), (small, large), (medium, large)):
        shared = np.intersect1d(first, second).size
        expected = first.size * second.size / 13_133
        assert abs(shared - expected) < 6 * expected**0.5


def test_its_models_are_as_rare_as_the_release_s(whole: Fleet) -> None:
    """Of 10,309 labelled vehicles: 228 of 250 models, up to 331 of one."""
    found = np.bincount(whole.models[whole.labelled], minlength=250)
    assert 200 <= (found > 0).sum() <= 250
    assert 280 < found.max() < 390
    assert np.median(found) < 0.5 * found.mean()


def test_its_index_needs_little_memory() -> None:
    """About a hundred bytes a vehicle and a few an image; no list of objects."""
    tracemalloc.start()
    fleet = draw_fleet(PAPER)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    lines = 0
    for name, rows in (*attribute_files(PAPER, fleet), *split_files(fleet)):
        if "color_attr" not in name:  # draws vehicles, which is slow when traced
            lines += sum(1 for _ in rows)
    entries = sum(len(entry.images) for entry in fleet.entries())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert lines > 221_763 + 110_178 and entries == 221_763
    assert held < 3e6
    assert peak - held < 6e6


def test_the_demo_is_as_the_release() -> None:
    fleet = draw_fleet(DEMO)
    counts = fleet.counts
    assert counts.min() == 2
    assert abs(counts.mean() - 8.4) < 0.8
    assert counts.max() > 4 * counts.mean()
    models = np.bincount(fleet.models, minlength=20)
    assert models.size == 20
    assert models.max() > 5 * np.median(models)
    assert abs(fleet.labelled.mean() - 10_319 / 26_267) < 0.06
    assert sorted(fleet.names) == list(range(1, counts.sum() + 1))


def test_a_vehicle_does_not_depend_on_how_many_there_are() -> None:
    fleet, larger = draw_fleet(DEMO), draw_fleet(changed(DEMO, train=310))
    for entry, same in zip(fleet.entries(), larger.entries(), strict=False):
        assert (entry.model, entry.labelled) == (same.model, same.labelled)
        assert len(entry.images) == len(same.images)


def test_the_first_models_are_of_all_families() -> None:
    assert {draw_model(3, n).body.family for n in range(7)} == set(FAMILIES)
    later = {draw_model(3, n).body.family for n in range(7, 100)}
    assert later == set(FAMILIES)


def test_other_numbers_drop_the_paper_s_sums() -> None:
    assert changed(PAPER, size=64, seed=3).totals == PAPER.totals
    smaller = changed(PAPER, train=50, tests=(20, 30))
    assert smaller.totals is None and smaller.vehicles == 80
    assert {k: len(v) for k, v in draw_fleet(smaller).lists.items()} == {
        "train": 50, "test_20": 20, "test_30": 30,
    }  # fmt: skip


@given(
    st.lists(st.integers(2, 60), min_size=1, max_size=80),
    st.integers(0, 2**32), st.floats(0, 3),
)  # fmt: skip
def test_any_possible_sum_is_met(counts: list[int], seed: int, factor: float) -> None:
    drawn = np.array(counts, np.int64)
    total = 2 * drawn.size + round(factor * (drawn.sum() - 2 * drawn.size))
    made = with_sum(drawn, total, 2, generator(seed))
    assert made.sum() == total and made.min() >= 2
    with pytest.raises(InputError, match="each has at least 2"):
        with_sum(drawn, 2 * drawn.size - 1, 2, generator(seed))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(10, 90), st.integers(-15, 15))
def test_vehicles_are_chosen_to_a_sum(seed: int, number: int, off: int) -> None:
    random = generator(seed)
    counts = 2 + random.poisson(random.gamma(1.5, 4.0, 300))
    total = int(random.permutation(counts)[:number].sum()) + off
    total = max(total, 2 * number)
    chosen = choose(counts, number, total, random)
    assert np.unique(chosen).size == number
    assert counts[chosen].sum() == total


def test_an_impossible_choice_is_refused() -> None:
    counts = np.full(10, 4)
    with pytest.raises(InputError, match="no 3 of 10 vehicles with 13 images"):
        choose(counts, 3, 13, generator(1))


def test_a_chosen_sum_lets_nobody_stand_out(whole: Fleet) -> None:
    """Small asks for 9.2 images a vehicle where the mean is 8.5: all grow a bit."""
    inside = whole.counts[whole.lists["test_800"]]
    everyone = whole.counts[13_134:]
    for share in (0.1, 0.5, 0.9):
        grown = np.quantile(inside, share) - np.quantile(everyone, share)
        assert 0 <= grown <= 2
    rare = np.quantile(everyone, 0.995)
    assert (inside > rare).mean() < 0.01  # not a few with very many
