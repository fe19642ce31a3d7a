"""Pairs, folds and thresholds of verification (Sec. 5.1)."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydrdl.errors import InputError
from pydrdl.metrics import best_threshold
from pydrdl.protocols.verification import (
    Pairs,
    count_pairs,
    draw_pairs,
    evaluate,
    fold_accuracies,
    read_pairs,
    save_pairs,
    stratified_folds,
)


def make_distances(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Same pairs first, as the lists of CompCars have them."""
    rng = np.random.default_rng(seed)
    same = np.arange(400) < 150
    return rng.normal(size=400) - 1.5 * same, same


def test_folds_are_stratified_shuffled_and_pinned() -> None:
    same = np.arange(60) < 20
    fold = stratified_folds(same, seed=1)
    for number in range(10):
        assert (same[fold == number]).sum() == 2
        assert (~same[fold == number]).sum() == 4
    assert (fold != stratified_folds(same, seed=2)).any()
    assert (np.sort(fold[:20]) == np.repeat(np.arange(10), 2)).all()
    assert fold[:10].tolist() == [7, 5, 6, 3, 2, 1, 9, 5, 0, 9]
    with pytest.raises(ValueError, match="9 same pairs for 10 folds"):
        stratified_folds(np.arange(60) < 9)


def test_folds_are_judged_by_the_others_threshold() -> None:
    d, same = make_distances()
    fold = stratified_folds(same, seed=4)
    expected = []
    for number in range(10):
        held = fold == number
        cuts = np.sort(d[~held])
        right = [((d[~held] <= t) == same[~held]).mean() for t in cuts]
        low = cuts[int(np.argmax(right))]
        middle = (low + cuts[cuts > low].min()) / 2
        expected.append(((d[held] <= middle) == same[held]).mean())
    np.testing.assert_allclose(fold_accuracies(d, same, seed=4), expected)


def test_result() -> None:
    d, same = make_distances()
    training = best_threshold(*make_distances(1))
    result = evaluate(d, same, training=training)
    assert (result.same, result.different) == (150, 250)
    assert result.accuracy == ((d <= training.value) == same).mean()
    assert result.accuracy < result.test_optimal.accuracy
    assert result.folds.mean < result.test_optimal.accuracy
    assert result.folds.std == np.std(result.folds.per_fold, ddof=1)
    assert result.auc == pytest.approx(
        (d[same][:, None] < d[~same]).mean()  # Mann and Whitney
    )
    assert evaluate(d, same).accuracy is None


@settings(deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_drawn_pairs(seed: int, hard: bool) -> None:
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 12, 80)
    models = np.where(ids < 2, -1, ids // 3)
    names = [f"{i:03d}" for i in range(80)]
    among = models if hard else None
    pairs = draw_pairs(names, ids, count=50, seed=seed, among=among)
    row = {name: i for i, name in enumerate(names)}
    a, b = (np.array([row[n] for n in side]) for side in (pairs.first, pairs.second))
    np.testing.assert_array_equal(ids[a] == ids[b], pairs.same)
    assert pairs.same == (True,) * 50 + (False,) * 50
    assert (a != b).all()
    assert len({frozenset(pair) for pair in zip(a, b, strict=True)}) == 100
    if hard:
        np.testing.assert_array_equal(models[a[50:]], models[b[50:]])
        assert (models[a[50:]] >= 0).all()
    order = rng.permutation(80)
    again = draw_pairs(
        [names[i] for i in order], ids[order], count=50, seed=seed,
        among=None if among is None else among[order],
    )  # fmt: skip
    assert again == pairs


def test_drawn_pairs_are_uniform_and_exhaustible() -> None:
    """3 + 1 same pairs of vehicles with 3 and 2 images; 6 different ones."""
    names, ids = list("abcde"), np.array([1, 1, 1, 2, 2])
    seen: dict[tuple[str, str], int] = {}
    for seed in range(800):
        pairs = draw_pairs(names, ids, count=1, seed=seed)
        for pair in zip(pairs.first, pairs.second, strict=True):
            seen[pair] = seen.get(pair, 0) + 1
    assert len(seen) == 10
    for (a, b), times in seen.items():
        wanted = 200 if ids[names.index(a)] == ids[names.index(b)] else 800 / 6
        assert abs(times - wanted) < 5 * wanted**0.5
    assert set(draw_pairs(names, ids, count=4).first[:4]) == {"a", "b", "d"}
    with pytest.raises(InputError, match="has 4 same pairs, of which 5"):
        draw_pairs(names, ids, count=5)
    with pytest.raises(InputError, match="has 0 different pairs"):
        draw_pairs(names, np.ones(5, np.int64), count=1)


@given(
    st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 4)), min_size=1, max_size=14),
    st.booleans(),
)
def test_all_pairs_are_counted_and_drawn(
    images: list[tuple[int, int]], hard: bool
) -> None:
    """Against a loop over all; images are of a model and a vehicle of it."""
    ids = np.array([10 * model + 10 + vehicle for model, vehicle in images])
    models = np.array([model for model, _ in images])
    among = models if hard else None
    both = [(i, j) for i in range(len(ids)) for j in range(i + 1, len(ids))]
    same = {(i, j) for i, j in both if ids[i] == ids[j]}
    different = {
        (i, j) for i, j in both
        if ids[i] != ids[j] and (not hard or models[i] == models[j] >= 0)
    }  # fmt: skip
    assert count_pairs(ids, among) == (len(same), len(different))
    names = [f"{i:02d}" for i in range(len(ids))]
    count = min(len(same), len(different))
    if not count:
        return
    drawn = draw_pairs(names, ids, count=count, among=among)
    found = [(int(a), int(b)) for a, b in zip(drawn.first, drawn.second, strict=True)]
    assert len(set(found)) == 2 * count
    assert set(found[:count]) <= same and set(found[count:]) <= different
    assert found[:count] == sorted(found[:count])


def test_pairs_file(tmp_path: Path) -> None:
    pairs = Pairs("drawn", "rule", ("a b", "c"), ("d", "e"), (True, False))
    path = tmp_path / "pairs.txt"
    save_pairs(pairs, path)
    again = read_pairs(path)
    assert (again.first, again.second, again.same) == (
        pairs.first,
        pairs.second,
        pairs.same,
    )
    assert again.sha256 == pairs.sha256
    assert [p.name for p in tmp_path.iterdir()] == ["pairs.txt"]
    with pytest.raises(InputError, match="exists"):
        save_pairs(pairs, path)
    path.write_bytes(b"78/1/2014/a.jpg 78/1/2014/b.jpg 1\r\n\r\n1/2/b.jpg  c 0")
    assert read_pairs(path).second == ("78/1/2014/b.jpg", "c")
    for text, message in (
        ("a b 1\na b 2", r"not a pair: 'a b 2'[\s\S]*pairs\.txt:2"),
        ("a b", "not a pair"),
        ("a a 1", "'a' is paired with itself"),
        ("\n", "no pair"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            read_pairs(path)
    with pytest.raises(InputError, match="cannot read"):
        read_pairs(tmp_path / "none")


def test_pairs_are_found_with_and_without_the_first_folder() -> None:
    pairs = Pairs("", "", ("1/a.jpg",), ("2/b.jpg",), (True,))
    for names in (["2/b.jpg", "1/a.jpg"], ["image/2/b.jpg", "image/1/a.jpg"]):
        first, second = pairs.rows_in(names, "file")
        assert (first.tolist(), second.tolist()) == ([1], [0])
    with pytest.raises(InputError, match=r"1 of the pairs' 2 .* '2/b\.jpg'"):
        pairs.rows_in(["1/a.jpg", "3/a.jpg"], "file")
    with pytest.raises(InputError, match="2 of the pairs' 2"):
        pairs.rows_in(["image/1/a.jpg", "other/2/b.jpg"], "file")
