"""What an extraction keeps, however it was cut off."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydrdl.errors import InputError
from pydrdl.features.partial import DIGEST, PartialFeatures, discard

INPUTS = {"net_sha256": "12", "weights": "untrained, seed 3"}
WIDTH, BATCH, TOTAL = 3, 4, 10
ROWS = np.random.default_rng(0).standard_normal((TOTAL, WIDTH)).astype(np.float32)


def open_partial(path: Path, **other: object) -> PartialFeatures:
    return PartialFeatures(path, INPUTS | other, WIDTH, BATCH, TOTAL)


def read(partial: PartialFeatures) -> np.ndarray:
    none = np.empty((0, WIDTH), np.float32)
    return np.concatenate([none, *partial.batches()])


def fill(path: Path, rows: int) -> None:
    partial = open_partial(path)
    for first in range(0, rows, BATCH):
        partial.append(ROWS[first : min(first + BATCH, rows)])


BATCHES = (4, 4, 2)  # rows
SIZES = [4 * WIDTH * rows + DIGEST for rows in BATCHES]


@settings(deadline=None)  # the disk is waited for
@given(st.integers(0, sum(SIZES)))
def test_whole_batches_are_kept_wherever_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory, size: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "out.h5.partial"
    fill(path, TOTAL)
    with path.open("r+b") as file:
        head = len(file.readline())
        file.truncate(head + size)
    whole = [size >= sum(SIZES[: n + 1]) for n in range(len(SIZES))]
    kept = sum(rows for rows, there in zip(BATCHES, whole, strict=True) if there)
    partial = open_partial(path)
    assert partial.rows == kept
    np.testing.assert_array_equal(read(partial), ROWS[:kept])
    if kept < TOTAL:
        partial.append(ROWS[kept : kept + BATCH])
        again = read(open_partial(path))
        np.testing.assert_array_equal(again, ROWS[: kept + BATCH])


@settings(deadline=None)  # the disk is waited for
@given(st.integers(0, 8 * sum(SIZES) - 1))
def test_what_stands_before_a_flipped_bit_is_kept(
    tmp_path_factory: pytest.TempPathFactory, bit: int
) -> None:
    path = tmp_path_factory.mktemp("bit") / "out.h5.partial"
    fill(path, TOTAL)
    data = bytearray(path.read_bytes())
    head = data.index(b"\n") + 1
    data[head + bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
    kept = 4 * sum(bit // 8 >= sum(SIZES[: n + 1]) for n in range(2))
    partial = open_partial(path)
    np.testing.assert_array_equal(read(partial), ROWS[:kept])
    for start in range(kept, TOTAL, BATCH):
        partial.append(ROWS[start : start + BATCH])
    np.testing.assert_array_equal(read(open_partial(path)), ROWS)


def test_batches_that_change_places_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "out.h5.partial"
    fill(path, TOTAL)
    data = path.read_bytes()
    head, size = data.index(b"\n") + 1, SIZES[0]
    first, second = data[head : head + size], data[head + size : head + 2 * size]
    path.write_bytes(data[:head] + second + first + data[head + 2 * size :])
    assert open_partial(path).rows == 0


def test_a_pipe_in_its_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.h5.partial"
    os.mkfifo(path)
    with pytest.raises(InputError, match="a named pipe"):
        open_partial(path)
    discard(path)
    assert path.exists()


def test_nothing_is_written_before_there_is_a_batch(tmp_path: Path) -> None:
    path = tmp_path / "out.h5.partial"
    partial = open_partial(path)
    assert (partial.rows, read(partial).shape) == (0, (0, WIDTH))
    assert not path.exists()


@pytest.mark.parametrize(
    "other", [{"net_sha256": "13"}, {"weights": "34"}, {"device": "gpu"}]
)
def test_other_inputs_are_refused(tmp_path: Path, other: dict[str, str]) -> None:
    path = tmp_path / "out.h5.partial"
    fill(path, 4)
    before = path.read_bytes()
    with pytest.raises(InputError, match="other images, net or options"):
        open_partial(path, **other)
    assert path.read_bytes() == before
    for width, batch in ((WIDTH + 1, BATCH), (WIDTH, BATCH + 1)):
        with pytest.raises(InputError, match="other images, net or options"):
            PartialFeatures(path, INPUTS, width, batch, TOTAL)


def test_half_precision_is_kept_as_such(tmp_path: Path) -> None:
    path = tmp_path / "out.h5.partial"
    half = PartialFeatures(path, INPUTS, WIDTH, BATCH, TOTAL, np.float16)
    half.append(ROWS[:4].astype(np.float16))
    again = PartialFeatures(path, INPUTS, WIDTH, BATCH, TOTAL, np.float16)
    (kept,) = again.batches()
    assert (again.rows, kept.dtype) == (4, np.float16)
    np.testing.assert_array_equal(kept, ROWS[:4].astype(np.float16))
    with pytest.raises(InputError, match="other images, net or options"):
        open_partial(path)


def test_what_the_disk_loses_after_it_was_kept_is_told(tmp_path: Path) -> None:
    path = tmp_path / "out.h5.partial"
    fill(path, TOTAL)
    partial = open_partial(path)
    np.testing.assert_array_equal(np.concatenate([*partial.whole()]), ROWS)
    data = bytearray(path.read_bytes())
    data[data.index(b"\n") + 1 + SIZES[0]] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="whole up to row 4 of 10"):
        list(partial.whole())


def test_the_disk_is_waited_for_by_time_not_by_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, synced = [100.0], []
    monkeypatch.setattr("pydrdl.features.partial.sync", synced.append)
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    partial = PartialFeatures(tmp_path / "p", INPUTS, WIDTH, 1, TOTAL)
    for batch, seconds in enumerate((0, 1, 8.9, 0.2, 0, 9.7, 0.5)):
        now[0] += seconds
        partial.append(ROWS[batch : batch + 1])
    assert len(synced) == 3  # the first, after 10.1 s, and after 10.2 s more


def test_only_what_is_ours_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / "out.h5.partial"
    discard(path)  # not there
    fill(path, 4)
    discard(path)
    assert not path.exists()
    path.write_text("a thesis")
    discard(path)
    assert path.read_text() == "a thesis"
    with pytest.raises(InputError, match="other images, net or options"):
        open_partial(path)
    assert path.read_text() == "a thesis"
