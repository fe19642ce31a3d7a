"""What is said of filters that leave few rows, or none."""

import pytest

from pydrdl.gallery.hints import hint
from pydrdl.gallery.rows import Summary, Wanted

HELD = Summary(9, 3, {0: 4, 2: 5}, dict.fromkeys(range(12), 1), (60.0, 120.0))
FROM_TO = "rows were taken from 1970-01-01 00:01:00 to 1970-01-01 00:02:00"


@pytest.mark.parametrize(
    ("wanted", "left", "told"),
    [
        (Wanted(cameras=(0, 2)), 9, ""),
        (Wanted(cameras=(0, 7, 8)), 4, "no row is of camera 7, 8 (there are 0, 2)"),
        (Wanted(not_cameras=(5,)), 9, "no row is of camera 5 (there are 0, 2)"),
        (
            Wanted(models=(77,)), 0,
            "no row is of model 77 (there are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...)",
        ),
        (Wanted(since=121.0), 0, FROM_TO),
        (Wanted(until=59.0), 0, FROM_TO),
        (Wanted(since=60.0, until=61.0), 1, ""),
        (Wanted(since=70.0, until=71.0), 0, "no row is of all these filters together"),
        (
            Wanted(cameras=(1,), until=3.0), 0,
            f"no row is of camera 1 (there are 0, 2); {FROM_TO}",
        ),
    ],
)  # fmt: skip
def test_hints(wanted: Wanted, left: int, told: str) -> None:
    assert hint(wanted, HELD, left) == told


def test_hints_where_little_is_known() -> None:
    bare = Summary(9, 0)
    assert hint(Wanted(cameras=(1,)), bare, 0) == (
        "no row is of camera 1 (none is known of any row)"
    )
    assert hint(Wanted(since=1.0), bare, 0) == "no row has a time"
    assert hint(Wanted(), Summary(0, 0), 0) == "the gallery is empty"


def test_times_that_are_exchanged() -> None:
    with pytest.raises(ValueError, match="since is later than until"):
        Wanted(since=2.0, until=1.0)
    assert Wanted(since=1.0, until=1.0).until == 1.0
