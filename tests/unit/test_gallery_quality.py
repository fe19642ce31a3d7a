"""Measures through a gallery beside those of the protocols (Sec. 5.3 and VeRi's)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from drawn_features import make
from drawn_gallery import NOON, ORIGIN

pytest.importorskip("lancedb", reason="the extra search is not installed")

from pydrdl.datasets.dataset import Image
from pydrdl.features import FeatureSet
from pydrdl.gallery import cells, lance
from pydrdl.gallery.folder import GalleryFolder, make_gallery
from pydrdl.gallery.query import ask
from pydrdl.gallery.rows import GalleryRow
from pydrdl.protocols import cross_camera, reid

VEHICLES, IMAGES, RANKS = 100, 5, 10
# Whether every row is compared, or part of the index; by how much a measure may differ.
WAYS = [(True, 1e-12), (False, 0.005)]


@pytest.fixture(scope="module")
def content() -> FeatureSet:
    return make(VEHICLES, IMAGES, noise=0.6)


@pytest.fixture
def small_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Galleries of this size have one, and not all of it is searched."""
    monkeypatch.setattr(lance, "INDEX_FROM", 100)
    monkeypatch.setattr(lance, "PROBED", 1)
    monkeypatch.setattr(cells, "SHARES", (0.75,))


def filled(folder: Path, content: FeatureSet, chosen: Sequence[int]) -> GalleryFolder:
    """A gallery of some of the images, one a second, brought up to date."""
    ids = zip(*(values.tolist() for values in content.rows.ids.values()), strict=True)
    images = [
        Image(name, *three) for name, three in zip(content.names, ids, strict=True)
    ]
    gallery = make_gallery(folder, ORIGIN, content.features.shape[1])
    rows = [GalleryRow("/drawn", images[k], NOON + k) for k in chosen]
    gallery.rows.add(rows, content.features[list(chosen)])
    gallery.rows.bring_up_to_date()
    assert gallery.rows.summary().indexed == len(chosen)
    return gallery


@pytest.mark.parametrize(("exact", "allowed"), WAYS)
def test_match_rates(content, tmp_path, small_index, exact, allowed) -> None:
    split = reid.draw_split(content.names, content.vehicle_ids, repeats=1, seed=3)
    protocol = reid.evaluate(
        content.features, content.names, content.vehicle_ids, split
    )
    expected = np.array(protocol.cmc.per_repeat[0][:RANKS])
    place = {name: k for k, name in enumerate(content.names)}
    chosen = [place[split.images[k]] for k in split.gallery[0]]
    gallery = filled(tmp_path / "g", content, chosen)
    probes = sorted(set(range(len(place))) - set(chosen))
    assert len(probes) == protocol.probes
    curve = np.zeros(RANKS)
    for probe in probes:
        answer = ask(gallery, content.features[probe], RANKS, exact=exact)
        for rank, match in enumerate(answer.matches):
            if match.row.image.vehicle_id == content.vehicle_ids[probe]:
                curve[rank:] += 1
    assert 0.3 < expected[0] < 0.95  # neither is it hopeless, nor easy
    np.testing.assert_allclose(curve / len(probes), expected, atol=allowed)


def average_precision(right: Sequence[bool]) -> float:
    """Mean over the matches of the share of matches as far as each."""
    places = np.flatnonzero(right)
    return float(((1 + np.arange(len(places))) / (places + 1)).mean())


@pytest.mark.parametrize(("exact", "allowed"), WAYS)
def test_map_across_cameras(content, tmp_path, small_index, exact, allowed) -> None:
    query = np.flatnonzero(content.camera_ids == 1)[::3]
    others = np.setdiff1d(np.arange(len(content.names)), query)
    gallery = filled(tmp_path / "g", content, [*others[::2], *others[1::2], *query])
    everyone = np.arange(len(content.names))
    query_side, gallery_side = (
        cross_camera.Side(
            content.features[part],
            [content.names[k] for k in part],
            content.vehicle_ids[part],
            content.camera_ids[part],
            "drawn",
        )
        for part in (query, everyone)
    )
    expected = cross_camera.evaluate(query_side, gallery_side)
    plain, anew = [], []
    for probe in query:
        vehicle, camera = content.vehicle_ids[probe], content.camera_ids[probe]
        for reranked, found in ((False, plain), (True, anew)):
            answer = ask(
                gallery,
                content.features[probe],
                len(everyone),
                reranked=reranked,
                exact=exact,
            )
            images = [match.row.image for match in answer.matches]
            # What the vehicle's own camera saw is neither right nor wrong.
            counted = [
                i for i in images
                if not (i.vehicle_id == vehicle and i.camera_id == camera)
            ]  # fmt: skip
            found.append(average_precision([i.vehicle_id == vehicle for i in counted]))
    assert 0.3 < expected.map < 0.9
    assert np.mean(plain) == pytest.approx(expected.map, abs=allowed)
    assert np.mean(anew) > expected.map + 0.005  # which is what it is for
