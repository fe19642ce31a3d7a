"""Probabilities of a match: against the law that the distances were drawn from."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_features import make

from pydrdl.errors import InputError
from pydrdl.features import FeatureSet
from pydrdl.gallery.probability import Calibration, calibrate, reliability

NOISE, WIDTH = 0.5, 8


@pytest.fixture(scope="module")
def content() -> FeatureSet:
    return make(250, 6, NOISE)


@pytest.fixture(scope="module")
def calibration(content: FeatureSet) -> Calibration:
    return calibrate(content, "f.h5")


def law(distance: np.ndarray) -> np.ndarray:
    """Log likelihood ratio of the drawn features: differences are Gaussian.

    Of one vehicle with variance 2 s^2 a dimension, of two with 2 s^2 + 2.
    """
    same, other = 2 * NOISE**2, 2 * NOISE**2 + 2
    slope = 0.5 / other - 0.5 / same
    return slope * distance - WIDTH / 2 * np.log(same / other)


def test_the_evidence_is_that_of_the_law(calibration: Calibration) -> None:
    at = np.array([1.5, 3.0, 5.0, 7.0, 9.0])
    found = np.interp(at, calibration.distances, calibration.evidence)
    np.testing.assert_allclose(found, law(at), atol=0.35)
    assert np.ptp(law(at)) > 5
    assert calibration.evidence == sorted(calibration.evidence, reverse=True)
    assert calibration.distances == sorted(calibration.distances)
    assert (calibration.vehicles, calibration.images) == (250, 1500)
    assert calibration.others == 5


@pytest.mark.parametrize("vehicles", [20, 1000])
def test_it_means_what_it_says_in_a_gallery_of_any_size(
    calibration: Calibration, vehicles: int
) -> None:
    """Of rows that are said to match with p, p match: others than those counted."""
    rng = np.random.default_rng(vehicles)
    stated, same = [], []
    for _ in range(60_000 // vehicles):
        centres = rng.standard_normal((vehicles, WIDTH))
        ids = np.repeat(np.arange(vehicles), 6)
        points = centres[ids] + NOISE * rng.standard_normal((ids.size, WIDTH))
        distances = ((points[1:] - points[0]) ** 2).sum(axis=1)
        stated.append(calibration.probability(distances, ids.size - 1))
        same.append(ids[1:] == 0)
    error, curve = reliability(np.concatenate(stated), np.concatenate(same))
    assert error < 0.05
    parts = [part for part in curve if part.pairs > 200]
    assert len(parts) >= 4
    for part in parts:
        assert abs(part.stated - part.found) < 0.06


def test_rows_beyond_what_was_seen(calibration: Calibration) -> None:
    far = calibration.probability(np.array([0.0, 1e-9, 1e3, 1e9]), 1000)
    assert ((far > 0) & (far < 1)).all()
    assert far[0] == far[1] > 0.5 > far[2] == far[3]
    assert calibration.probability(np.array([4.0]), 100) > calibration.probability(
        np.array([4.0]), 10_000
    )


def test_the_curve_counts_pairs() -> None:
    stated = np.array([0.05, 0.05, 0.05, 0.05, 0.95, 0.95, 1.0, 0.0])
    same = np.array([True, False, False, False, True, True, True, False])
    error, curve = reliability(stated, same)
    assert [(round(p.stated, 3), round(p.found, 3), p.pairs) for p in curve] == [
        (0, 0, 1), (0.05, 0.25, 4), (0.967, 1, 3),
    ]  # fmt: skip
    # A quarter of the matches and 3/4 of the others are .2 off, 3/4 are .033.
    assert error == pytest.approx(0.2 * (1 / 4 + 3 / 4) / 2 + (0.1 / 3) * (3 / 4) / 2)


def test_a_file_without_several_images_is_refused(content: FeatureSet) -> None:
    one_each = make(30, 1)
    with pytest.raises(InputError, match="0 vehicles have several images"):
        calibrate(one_each, "f.h5")
    unknown = replace(content, vehicle_ids=np.full_like(content.vehicle_ids, -1))
    with pytest.raises(InputError, match="at least 4"):
        calibrate(unknown, "f.h5")


def test_whole_vehicles_are_drawn_of_many(content: FeatureSet, monkeypatch) -> None:
    monkeypatch.setattr("pydrdl.gallery.probability.MOST_IMAGES", 601)
    some = calibrate(content, "f.h5")
    assert (some.images, some.vehicles) == (600, 100)
    assert some != calibrate(content, "f.h5", seed=1)
    again = Calibration.model_validate_json(some.model_dump_json())
    assert again == some
