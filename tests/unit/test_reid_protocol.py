"""Galleries, splits and match rates of re-identification (Sec. 5.3)."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from pydrdl.errors import InputError
from pydrdl.protocols.reid import camera_split, draw_split, evaluate
from pydrdl.protocols.split import load_split, save_split


def make_set(vehicles: int = 30, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """1 to 8 images of each vehicle, shuffled; names unrelated to vehicles."""
    rng = np.random.default_rng(seed)
    ids = np.repeat(
        rng.choice(1000, vehicles, replace=False), rng.integers(1, 9, vehicles)
    )
    rng.shuffle(ids)
    return [f"image/{n:07d}.jpg" for n in rng.permutation(ids.size)], ids


def make_features(ids: np.ndarray, dimensions: int = 16) -> np.ndarray:
    rng = np.random.default_rng(1)
    centres = {v: rng.standard_normal(dimensions) for v in np.unique(ids)}
    noise = rng.standard_normal((ids.size, dimensions))
    return (np.stack([centres[v] for v in ids]) + noise).astype(np.float32)


def test_one_image_of_each_vehicle_in_every_repeat() -> None:
    names, ids = make_set()
    split = draw_split(names, ids, repeats=10, seed=3)
    vehicles = np.array(split.vehicle_ids)
    assert dict(zip(split.images, split.vehicle_ids, strict=True)) == dict(
        zip(names, ids.tolist(), strict=True)
    )
    for gallery in split.gallery:
        np.testing.assert_array_equal(np.sort(vehicles[list(gallery)]), np.unique(ids))
    assert len(set(split.gallery)) == 10


def test_draw_depends_on_seed_and_set_only() -> None:
    names, ids = make_set()
    split = draw_split(names, ids, seed=3)
    order = np.random.default_rng(9).permutation(ids.size)
    shuffled = draw_split([names[i] for i in order], ids[order], seed=3)
    assert shuffled == split
    assert shuffled.sha256 == split.sha256
    assert draw_split(names, ids, seed=4).gallery != split.gallery
    # The first repeats are the same however many follow.
    assert draw_split(names, ids, repeats=3, seed=3).gallery == split.gallery[:3]


def test_draw_is_pinned() -> None:
    """Philox words are stable; a change of the rule would change old results."""
    names = [f"{i}.jpg" for i in range(9)]
    split = draw_split(names, np.array([5, 5, 5, 5, 2, 2, 2, 8, 8]), repeats=3, seed=7)
    assert split.gallery == ((1, 5, 7), (1, 6, 8), (1, 4, 8))


def test_draw_is_uniform() -> None:
    names, ids = ["a", "b", "c", "d", "e"], np.array([1, 1, 1, 1, 2])
    split = draw_split(names, ids, repeats=2000)
    chosen = np.bincount([gallery[0] for gallery in split.gallery], minlength=4)
    assert chosen.sum() == 2000
    assert (abs(chosen - 500) < 100).all()  # 5 standard deviations


def brute_force(features: np.ndarray, names: list[str], split) -> np.ndarray:
    """Every repeat by sorting float64 distances, in plain loops."""
    row = {name: i for i, name in enumerate(names)}
    curves = []
    for gallery in split.gallery:
        hits = np.zeros(50)
        probes = sorted(set(range(len(split.images))) - set(gallery))
        for probe in probes:
            f = features[row[split.images[probe]]].astype(np.float64)
            d = [((f - features[row[split.images[g]]]) ** 2).sum() for g in gallery]
            ordered = [split.vehicle_ids[gallery[i]] for i in np.argsort(d)]
            hits[ordered.index(split.vehicle_ids[probe]) :] += 1
        curves.append(hits / len(probes))
    return np.array(curves)


def test_equals_brute_force() -> None:
    names, ids = make_set()
    features = make_features(ids)
    split = draw_split(names, ids, repeats=4, seed=1)
    order = np.random.default_rng(2).permutation(ids.size)
    result = evaluate(features[order], [names[i] for i in order], ids[order], split)
    expected = brute_force(features, names, split)
    assert 0.2 < expected[:, 0].mean() < 0.9
    np.testing.assert_allclose(result.cmc.per_repeat, expected, atol=1e-12)
    np.testing.assert_allclose(result.cmc.mean, expected.mean(axis=0))
    np.testing.assert_allclose(result.cmc.std, expected.std(axis=0, ddof=1), atol=1e-12)
    assert result.gallery == 30
    assert result.probes == ids.size - 30
    assert result.ties.probes == 0
    assert result.ties.optimistic is None and result.ties.pessimistic is None


def test_rate_is_over_probes_not_vehicles() -> None:
    """Three probes of vehicle 1 are matched, the one of vehicle 2 is not."""
    names, ids = list("abcdef"), np.array([1, 1, 1, 1, 2, 2])
    features = np.float32([[1, 0], [1, 0], [1, 0], [1, 0], [9, 0], [1, 0.1]])
    cameras = np.array([1, 2, 2, 2, 1, 2])
    result = evaluate(features, names, ids, camera_split(names, ids, cameras, 1))
    assert result.cmc.per_repeat[0][0] == 0.75
    assert result.cmc.std is None


def test_vehicles_with_one_image_are_counted() -> None:
    names, ids = list("abcdefg"), np.array([1, 1, 2, 3, 4, 4, 4])
    result = evaluate(make_features(ids), names, ids, draw_split(names, ids))
    assert (result.gallery, result.probes) == (4, 3)
    assert result.vehicles_without_probe == 2


def test_collapsed_features_score_chance_and_say_so() -> None:
    names, ids = make_set()
    result = evaluate(
        np.ones((ids.size, 8), np.float32), names, ids, draw_split(names, ids)
    )
    np.testing.assert_allclose(result.cmc.mean[0], 1 / 30)
    assert result.ties.probes == 1
    assert result.ties.mean_equal == 29
    assert result.ties.optimistic is not None and result.ties.pessimistic is not None
    assert result.ties.optimistic[0] == 1
    assert result.ties.pessimistic[28] == 0


def test_camera_split() -> None:
    names, ids = ["d", "c", "b", "a"], np.array([2, 2, 1, 1])
    split = camera_split(names, ids, np.array([1, 2, 1, 2]), 1)
    assert [split.images[i] for i in split.gallery[0]] == ["b", "d"]
    assert split.seed is None
    assert len(split.gallery) == 1


@pytest.mark.parametrize(
    ("ids", "cameras", "message"),
    [
        ([1, 1, 2, 2], [2, 3, 2, 3], "no image is of camera 1; the cameras are 2, 3"),
        ([1, 1, 2, 2], [1, 1, 1, 1], "all images are of camera 1"),
        ([1, 1, 2, 2], [1, 1, 1, 2], "saw vehicle 1 2 times"),
        ([1, 1, 2, 2], [1, 2, 2, 2], "never saw 1 vehicles .* such as 2"),
    ],
)
def test_camera_split_refuses(ids, cameras, message) -> None:
    with pytest.raises(InputError, match=message):
        camera_split(list("abcd"), np.array(ids), np.array(cameras), 1)


@pytest.mark.parametrize(
    ("names", "ids", "message"),
    [
        ([], [], "no image"),
        (["a", "a"], [1, 1], "'a' occurs twice"),
        (["a", "b"], [1, 2], "none of the 2 vehicles has two images"),
    ],
)
def test_draw_refuses(names, ids, message) -> None:
    with pytest.raises(InputError, match=message):
        draw_split(names, np.array(ids, np.int64))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "1 of .* hold NaN or infinity; the first is of image 'image/"),
        (np.inf, "hold NaN"),
        (0, "1 of .* are zero throughout"),
    ],
)
def test_features_that_cannot_be_ranked(value: float, message: str) -> None:
    names, ids = make_set()
    features = make_features(ids)
    features[17] = value
    with pytest.raises(InputError, match=message):
        evaluate(features, names, ids, draw_split(names, ids))


def test_split_of_another_set() -> None:
    names, ids = make_set()
    features, split = make_features(ids), draw_split(names, ids)
    with pytest.raises(InputError, match=r"2 of the split's .* missing"):
        evaluate(features[2:], names[2:], ids[2:], split)
    with pytest.raises(InputError, match=r"unknown is 'new\.jpg'"):
        evaluate(
            np.vstack([features, features[:1]]),
            [*names, "new.jpg"],
            np.append(ids, ids[0]),
            split,
        )
    other = ids.copy()
    other[0] = 77777
    with pytest.raises(InputError, match=r"vehicle 77777; .*\(1 differ\)"):
        evaluate(features, names, other, split)


def test_split_file_round_trip(tmp_path: Path) -> None:
    names, ids = make_set()
    split, path = draw_split(names, ids, seed=5), tmp_path / "split.json"
    save_split(split, path)
    assert load_split(path) == split
    assert json.loads(path.read_text())["sha256"] == split.sha256
    assert [p.name for p in tmp_path.iterdir()] == ["split.json"]
    with pytest.raises(InputError, match="exists"):
        save_split(split, path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": ["b", "a"]}, "the images are not in order"),
        ({"images": ["a", "a"]}, "or one is there twice"),
        ({"images": ["a"]}, "2 vehicles of 1 images"),
        ({"images": [1, 2]}, r"images\[0\] is 1; expected a valid string"),
        ({"vehicle_ids": [1.0, 2]}, r"vehicle_ids\[0\] is 1.0; expected a valid int"),
        ({"gallery": [[0], [2]]}, "a gallery that does not fit 2 images"),
        ({"gallery": [[]]}, "a gallery that does not fit 2 images"),
        ({"gallery": [[1, 0]]}, r"gallery\[0\]: expected ids that ascend"),
        ({"gallery": [[-1]]}, r"gallery\[0\]\[0\] is -1; expected greater"),
        ({"gallery": 5}, "gallery is 5; expected a valid list"),
        ({"seed": -1}, "seed is -1"),
        ({"images": ["a", "\ud800"]}, "its content was changed"),
    ],
)
def test_a_split_with_a_right_hash_that_fits_nothing(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    content: dict[str, object] = {
        "schema": "drdl.split/1", "name": "n", "seed": 1, "images": ["a", "b"],
        "vehicle_ids": [1, 1], "gallery": [[0], [1]],
    }  # fmt: skip
    content |= change
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    stated = hashlib.sha256(text.encode(errors="replace")).hexdigest()
    path = tmp_path / "split.json"
    path.write_text(json.dumps(content | {"sha256": stated}))
    with pytest.raises(InputError, match=message):
        load_split(path)


def test_split_file_refused(tmp_path: Path) -> None:
    names, ids = make_set()
    path = tmp_path / "split.json"
    save_split(draw_split(names, ids), path)
    content = json.loads(path.read_text())
    content["gallery"][0][0] += 1
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="was changed"):
        load_split(path)
    content["schema"] = "drdl.split/9"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"schema 'drdl\.split/9'"):
        load_split(path)
    path.write_text("[]")
    with pytest.raises(InputError, match="the split: schema None; expected"):
        load_split(path)
    with pytest.raises(InputError, match="cannot read"):
        load_split(tmp_path / "none.json")
