"""Boxes are cut out before anything is resized: against OpenCV and slicing."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from dataset_layouts import huge_png
from hypothesis import given
from hypothesis import strategies as st

from pydrdl.datasets import Image
from pydrdl.errors import InputError

pytest.importorskip("caffe.proto", reason="pycaffe is not installed")

from pydrdl.datasets.images import read_image
from pydrdl.lmdb.encode import to_datum

HEIGHT, WIDTH = 30, 40


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photo")
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    cv2.imwrite(str(folder / "a.png"), noise)
    return folder


def photo(root: Path) -> np.ndarray:
    return cv2.imread(str(root / "a.png"))


@given(
    st.tuples(st.integers(0, WIDTH - 1), st.integers(1, WIDTH)),
    st.tuples(st.integers(0, HEIGHT - 1), st.integers(1, HEIGHT)),
)
def test_any_box(root: Path, x: tuple[int, int], y: tuple[int, int]) -> None:
    left, top = x[0], y[0]
    right, bottom = min(WIDTH, left + x[1]), min(HEIGHT, top + y[1])
    image = Image("a.png", 1, box=(left, top, right, bottom))
    expected = photo(root)[top:bottom, left:right]
    np.testing.assert_array_equal(read_image(root, image, None), expected)


@pytest.mark.parametrize("size", [(8, 9), (64, 48)])
def test_the_box_is_resized_not_the_photograph(
    root: Path, size: tuple[int, int]
) -> None:
    image = Image("a.png", 1, box=(3, 5, 31, 25))
    method = cv2.INTER_AREA if size[0] < 20 else cv2.INTER_LINEAR
    expected = cv2.resize(photo(root)[5:25, 3:31], size[::-1], interpolation=method)
    pixels = read_image(root, image, size)
    np.testing.assert_array_equal(pixels, expected)
    whole = read_image(root, Image("a.png", 1), size).astype(int)
    assert np.abs(whole - pixels).mean() > 10  # or the box would not matter


def test_a_box_is_packed_as_it_is(root: Path) -> None:
    pixels = read_image(root, Image("a.png", 1, box=(3, 5, 31, 25)), None)
    raw = to_datum(pixels, 4, None)
    assert (raw.height, raw.width) == (20, 28)
    assert raw.data == photo(root)[5:25, 3:31].transpose(2, 0, 1).tobytes()
    copy = photo(root)[5:25, 3:31].copy()  # the slice is not contiguous
    expected = cv2.imencode(".jpg", copy, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
    assert to_datum(pixels, 4, 95).data == expected.tobytes()


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, WIDTH + 1, HEIGHT),
        (0, 0, WIDTH, HEIGHT + 1),
        (-1, 0, 5, 5),
        (0, -1, 5, 5),
        (5, 5, 5, 9),
        (5, 9, 9, 9),
    ],
)
def test_a_box_outside_is_refused(root: Path, box: tuple[int, int, int, int]) -> None:
    with pytest.raises(InputError) as caught:
        read_image(root, Image("a.png", 77, box=box), (8, 8))
    assert str(box) in caught.value.what and "vehicle 77" in caught.value.what
    assert "40 x 30 pixels" in caught.value.what
    assert caught.value.where == str(root / "a.png")


def test_a_header_that_claims_too_many_pixels_is_a_corrupt_image(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.png").write_bytes(huge_png())
    with pytest.raises(InputError, match="corrupt image of vehicle 7"):
        read_image(tmp_path, Image("a.png", 7), (8, 8))
