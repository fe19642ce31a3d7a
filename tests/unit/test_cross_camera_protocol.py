"""VeRi-776's and VERI-Wild's rules, for images and for tracks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from pydrdl.datasets.veri import tracks_of
from pydrdl.errors import InputError
from pydrdl.protocols.cross_camera import (
    Side,
    Tracks,
    evaluate,
    rank_tracks,
)


def make_sides(noise: float = 1.0) -> tuple[Side, Side]:
    """20 vehicles, 4 cameras, 3 images each; queries are also in the gallery."""
    rng = np.random.default_rng(0)
    ids, cameras = np.repeat(np.arange(20), 12), np.tile(np.repeat(range(4), 3), 20)
    features = 2 * rng.standard_normal((20, 8))[ids]
    # What a camera sees of a vehicle looks alike: junk would be found first.
    features = features + 2 * rng.standard_normal((80, 8))[np.arange(240) // 3]
    features = (features + noise * rng.standard_normal((240, 8))).astype(np.float32)
    names = [
        f"{v:04d}_c{c:03d}_{i:05d}.jpg"
        for i, (v, c) in enumerate(zip(ids, cameras, strict=True))
    ]
    gallery = Side(features, [f"image_test/{n}" for n in names], ids, cameras, "test")
    chosen = np.arange(0, 240, 7)
    query = Side(
        features[chosen],
        [f"image_query/{names[i]}" for i in chosen],
        ids[chosen],
        cameras[chosen],
        "query",
    )
    return query, gallery


def by_loop(query: Side, distances: np.ndarray, ids, cameras) -> tuple[float, float]:
    """MAP and rank-1 of a matrix, query by query."""
    values, first = [], []
    for row, vehicle, camera in zip(
        distances, query.vehicle_ids, query.camera_ids, strict=True
    ):
        kept = (ids != vehicle) | (cameras != camera)
        values.append(average_precision_score(ids[kept] == vehicle, -row[kept]))
        first.append(ids[kept][row[kept].argmin()] == vehicle)
    return float(np.mean(values)), float(np.mean(first))


def distances_of(query: Side, gallery: Side) -> np.ndarray:
    q, g = query.features.astype(float), gallery.features.astype(float)
    return np.square(q[:, None] - g).sum(axis=2)


def test_images_equal_scikit_learn() -> None:
    query, gallery = make_sides()
    result = evaluate(query, gallery)
    d = distances_of(query, gallery)
    step, rank1 = by_loop(query, d, gallery.vehicle_ids, gallery.camera_ids)
    assert result.map == pytest.approx(step)
    assert result.cmc[0] == pytest.approx(rank1)
    assert 0.1 < step < 0.9
    assert result.map_trapezoid < result.map
    assert (result.queries, result.gallery, result.vehicles) == (35, 240, 20)
    assert result.junk_pairs == 35 * 3
    assert result.ties.queries == 0
    # Junk must matter, or this test shows nothing.
    other = evaluate(replace(query, camera_ids=query.camera_ids + 10), gallery)
    assert other.map > result.map + 0.05


def test_tracks_equal_scikit_learn() -> None:
    query, gallery = make_sides()
    order = np.random.default_rng(1).permutation(240).reshape(-1)
    rows = order[np.argsort(order // 3, kind="stable")]
    tracks = Tracks(rows, np.arange(0, 240, 3))
    result = evaluate(query, gallery, tracks=tracks)
    d = distances_of(query, gallery).reshape(35, 80, 3).min(axis=2)
    ids, cameras = gallery.vehicle_ids[::3], gallery.camera_ids[::3]
    step, rank1 = by_loop(query, d, ids, cameras)
    assert result.map == pytest.approx(step)
    assert result.cmc[0] == pytest.approx(rank1)
    assert (result.gallery, result.image_to, result.junk_pairs) == (80, "track", 35)
    assert result.sides_sha256 != evaluate(query, gallery).sides_sha256


@pytest.mark.parametrize("use_tracks", [False, True])
def test_collapsed_features_score_chance(use_tracks: bool) -> None:
    query, gallery = make_sides()
    query = replace(query, features=np.full_like(query.features, 0.3))
    gallery = replace(gallery, features=np.full_like(gallery.features, 0.3))
    tracks = Tracks(np.arange(240), np.arange(0, 240, 3)) if use_tracks else None
    result = evaluate(query, gallery, tracks=tracks)
    assert result.ties.queries == 1
    # 9 of 237 images or 3 of 79 tracks are matches.
    assert result.cmc[0] == pytest.approx(9 / 237 if not use_tracks else 3 / 79)
    assert result.ties.optimistic == 1
    assert result.ties.pessimistic < result.map < 0.1


class SummedAnyhow(np.ndarray):
    """Products are summed in an order of each column's own, as BLAS may do."""

    def __rmatmul__(self, other: np.ndarray) -> np.ndarray:
        terms = np.asarray(other)[:, :, None] * np.asarray(self)
        rng = np.random.default_rng(0)
        return np.stack(
            [
                # One sum after the other, on every processor.
                np.cumsum(column[:, rng.permutation(column.shape[1])], axis=1)[:, -1]
                for column in np.moveaxis(terms, 2, 0)
            ],
            axis=1,
        )


def test_identical_images_tie_as_tracks() -> None:
    """BLAS may sum a product in another order where it stands elsewhere."""
    rng = np.random.default_rng(3)
    gallery = rng.standard_normal((243, 37)).astype(np.float32).view(SummedAnyhow)
    gallery[::2] = gallery[0]
    query = rng.standard_normal((64, 37)).astype(np.float32)
    everyone = np.arange(243)
    # Each query's one match has 121 twins.
    found = rank_tracks(
        query,
        gallery,
        Tracks(everyone, everyone),
        (2 * np.arange(64), np.zeros(64, np.int64)),
        (everyone, np.ones(243, np.int64)),
    )
    np.testing.assert_array_equal(found.equal, np.full(64, 121))
    plain = query.astype(float) @ gallery.T.astype(float)
    assert (plain[:, ::2] != plain[:, :1]).any()  # the test is not vacuous


def test_refusals() -> None:
    query, gallery = make_sides()
    alone = gallery.vehicle_ids == query.vehicle_ids[4]
    alone &= gallery.camera_ids != query.camera_ids[4]
    ids = np.where(alone, 99, gallery.vehicle_ids)
    with pytest.raises(InputError, match="have no image of their vehicle by another"):
        evaluate(query, replace(gallery, vehicle_ids=ids))
    unknown = replace(query, camera_ids=np.full(35, -1))
    with pytest.raises(InputError, match="35 of 35 images have no camera"):
        evaluate(unknown, gallery)
    with pytest.raises(InputError, match="8 dimensions, the gallery 7"):
        evaluate(query, replace(gallery, features=gallery.features[:, :7]))
    bad = gallery.features.copy()
    bad[0] = 0
    with pytest.raises(InputError, match="zero throughout"):
        evaluate(query, replace(gallery, features=bad))


def test_read_tracks(tmp_path: Path) -> None:
    _, gallery = make_sides()
    sides = gallery.names, gallery.vehicle_ids, gallery.camera_ids
    files = [name.split("/")[1] for name in gallery.names]
    path = tmp_path / "test_track.txt"
    path.write_bytes(f"{files[3]} {files[4]}\r\n{files[0]} {files[2]} \r\n".encode())
    tracks = Tracks.of(tracks_of(path, *sides))
    assert tracks.rows.tolist() == [3, 4, 0, 2]
    assert tracks.first.tolist() == [3, 0]
    for text, message in (
        (f"{files[0]}\n{files[1]} none.jpg", r"no image 'none\.jpg'"),
        (f"{files[0]} {files[3]}", "several vehicles or cameras"),
        ("\n\n", "no track"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            tracks_of(path, *sides)
    with pytest.raises(InputError, match="cannot read"):
        tracks_of(tmp_path / "none.txt", *sides)
