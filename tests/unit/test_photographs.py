"""Photographs in a folder, and what a table says of them."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from pydrdl.datasets.dataset import Image
from pydrdl.errors import InputError
from pydrdl.gallery.photographs import (
    find_photographs,
    read_labels,
    seconds,
    shown_time,
    time_taken,
)


def photograph(path: Path, taken: str | None = None, changed: str | None = None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = PIL.Image.fromarray(np.zeros((8, 8, 3), np.uint8))
    exif = image.getexif()
    if taken is not None:
        exif.get_ifd(34665)[36867] = taken
    if changed is not None:
        exif[306] = changed
    image.save(path, exif=exif)
    return path


def test_photographs_below_a_folder(tmp_path: Path) -> None:
    for name in ("b.JPG", "a/c.png", ".trash/x.jpg", "a/.y.jpg"):
        photograph(tmp_path / name)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "z.jpg").mkdir()
    found = find_photographs(tmp_path)
    assert found == [Image("a/c.png", -1), Image("b.JPG", -1)]
    with pytest.raises(InputError, match="no photographs"):
        find_photographs(tmp_path / "z.jpg")


def test_times_of_photographs(tmp_path: Path) -> None:
    noon = datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()
    text, other = "2026:11:29 12:00:00", "2025:01:01 00:00:00"
    assert time_taken(photograph(tmp_path / "a.jpg", taken=text)) == noon
    assert time_taken(photograph(tmp_path / "b.jpg", changed=text)) == noon
    assert time_taken(photograph(tmp_path / "c.jpg", text, other)) == noon
    assert time_taken(photograph(tmp_path / "d.jpg")) is None
    assert time_taken(photograph(tmp_path / "e.jpg", "yesterday")) is None
    (tmp_path / "f.jpg").write_bytes(b"no image")
    assert time_taken(tmp_path / "f.jpg") is None


def test_seconds() -> None:
    noon = datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()
    for text in ("2026-11-29T12:00:00", "2026-11-29 12:00", "2026-11-29T13:00+01:00",
                 "2026-11-29T12:00:00Z", str(noon)):  # fmt: skip
        assert seconds(text) == noon
    assert seconds("20261129") == noon - 12 * 3600
    assert seconds("20261129T120000") == noon
    assert seconds("2026.0") == 2026
    assert shown_time(noon) == "2026-11-29 12:00:00"
    assert shown_time(-1.0) == "1969-12-31 23:59:59"
    for text in ("", "noon", "nan", "inf", "1e300", "2026-13-01", "2026", "20261301"):
        with pytest.raises(ValueError, match="expected"):
            seconds(text)


def test_labels(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        'path,camera_id,time,vehicle_id\n"a, b.jpg",3,1970-01-01T00:01:00,7\nc.jpg,,,\n'
    )
    labels = read_labels(path)
    assert labels.of(Image("a, b.jpg", -1, 5)) == Image("a, b.jpg", 7, 5, 3)
    assert labels.of(Image("c.jpg", 1, 2)) == Image("c.jpg", 1, 2)
    assert labels.of(Image("d.jpg", 4, 5, 6)) == Image("d.jpg", 4, 5, 6)
    assert labels.times == {"a, b.jpg": 60.0}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 0, "columns none"),
        ("a.jpg,1\n", 1, r"columns a\.jpg, 1"),
        ("path,colour\n", 1, "columns path, colour"),
        ("path,path\n", 1, "columns path, path"),
        ("path,vehicle_id\na.jpg\n", 2, "1 values for 2 columns"),
        ("path,vehicle_id\na.jpg,x\n", 2, "vehicle_id 'x'"),
        ("path,vehicle_id\na.jpg,-2\n", 2, "vehicle_id '-2'"),
        ("path,vehicle_id\na.jpg,1e9\n", 2, "vehicle_id '1e9'"),
        ("path,vehicle_id\na.jpg,1234567890123456789\n", 2, "vehicle_id"),
        ("path,time\na.jpg,noon\n", 2, "time 'noon'"),
        ("path\na.jpg\na.jpg\n", 3, r"a\.jpg is there twice"),
    ],
)
def test_labels_that_are_refused(tmp_path, text: str, line: int, message: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_labels(path)
    assert caught.value.where == f"{path}:{line}"
    with pytest.raises(InputError, match="No such file"):
        read_labels(tmp_path / "none.csv")
