"""How long a chain says that it will take, against sums done by hand."""

import json
from pathlib import Path

import pytest

from pydrdl.errors import InputError
from pydrdl.reproduce.runner import (
    ChainProgress,
    Event,
    Forecast,
    Left,
    about,
    exactly,
    left_text,
    run_steps,
)
from pydrdl.reproduce.steps import Step, Timing, recipes


def timing(seconds: float, amount: int) -> Timing:
    return Timing(seconds=seconds, amount=amount)


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def step(name: str, *after: str, amount: int = 1, gpu: bool = False) -> Step:
    command = ("caffe", "--gpu", "0") if gpu else ("caffe",)
    return Step(name, command, Path(name), after, amount=amount)


# Two chains of 10 + 20 and 30 + 5 seconds, and an end of 7 that needs both.
DIAMOND = [
    step("a"), step("b"), step("c", "a"), step("d", "b"), step("e", "c", "d"),
]  # fmt: skip
SECONDS = {"a": 10.0, "b": 30.0, "c": 20.0, "d": 5.0, "e": 7.0}
TIMINGS = {name: timing(seconds, 1) for name, seconds in SECONDS.items()}


@pytest.mark.parametrize(("jobs", "seconds"), [(1, 72), (2, 42), (5, 42)])
def test_steps_beside_each_other_take_the_longest(jobs: int, seconds: float) -> None:
    assert Forecast(DIAMOND, TIMINGS, (), jobs).left() == Left(seconds, 5, 0)


def test_what_is_done_and_what_runs_counts_no_more() -> None:
    clock = Clock()
    forecast = Forecast(DIAMOND, TIMINGS, ["b"], 2, clock)
    assert forecast.left() == Left(37, 4, 0)  # a, c, e
    forecast.begin(DIAMOND[0])
    clock.now += 4
    assert forecast.left() == Left(33, 4, 0)
    clock.now += 60  # longer than it was expected to
    assert forecast.left() == Left(27, 4, 0)
    forecast.end(DIAMOND[0], timing(64, 1))
    assert forecast.left() == Left(27, 3, 0)
    assert forecast.expected(DIAMOND[0]) == 64


def test_what_nothing_is_known_of_is_counted_apart() -> None:
    known = {name: TIMINGS[name] for name in ("a", "e")}
    assert Forecast(DIAMOND, known, (), 1).left() == Left(17, 2, 3)
    assert Forecast(DIAMOND, {}, (), 1).left() == Left(0, 0, 5)
    assert Forecast(DIAMOND, {}, (), 1).expected(DIAMOND[0]) is None


def test_a_step_takes_what_those_most_like_it_took() -> None:
    chain = [
        step("train/ccl/seed1", amount=100), step("train/ccl/seed2", amount=100),
        step("train/ccl/margin_2/seed1", amount=100), step("train/other/seed1"),
        step("train/ccl/seed3", amount=300), step("train/ccl/seed9", gpu=True),
        step("eval"),
    ]  # fmt: skip
    timings = {"train/ccl/seed1": timing(8, 100), "train/ccl/seed2": timing(12, 100)}
    forecast = Forecast(chain, timings, (), 1)
    expected = [forecast.expected(s) for s in chain]
    # Its own; the median of like ones; by the amount; a GPU's is not a CPU's.
    assert expected == [8, 12, 10, pytest.approx(0.1), 30, None, None]
    timings["train/ccl/margin_2/seed1"] = timing(50, 50)
    forecast = Forecast(chain, timings, (), 1)
    assert forecast.expected(chain[4]) == 30  # other seeds are liker than changes


def touch(output: Path) -> tuple[str, ...]:
    """Makes an empty file, unless a file "fail" lies beside it."""
    code = """
import pathlib, sys
output = pathlib.Path(sys.argv[1])
if output.with_name("fail").exists():
    sys.exit(1)
output.touch()
"""
    return "python", "-c", code, str(output)


def test_times_are_of_runs_from_beginning_to_end(tmp_path: Path) -> None:
    """What was begun, stopped and taken up says too little; the time before stays."""

    def chain(tag: str, *, fail: bool = False) -> list[Step]:
        (tmp_path / "fail").unlink(missing_ok=True)
        if fail:
            (tmp_path / "fail").touch()
        return [Step("a", (*touch(tmp_path / "out"), tag), tmp_path / "out", amount=3)]

    def noted() -> object:
        return json.loads((tmp_path / "steps/a.json").read_text())["timing"]

    run_steps(chain("1"), tmp_path)
    first = noted()
    assert isinstance(first, dict)
    assert first["amount"] == 3
    with pytest.raises(InputError):
        run_steps(chain("2", fail=True), tmp_path)
    assert noted() == first
    events: list[Event] = []
    run_steps(chain("2"), tmp_path, events.append)
    assert noted() == first
    assert [event.expected for event in events] == [first["seconds"]] * 2
    assert [event.left.timed for event in events] == [1, 0]
    run_steps(chain("3"), tmp_path)
    assert noted() != first


@pytest.mark.parametrize(
    "noted",
    ["x", 5, [], {}, {"seconds": -1.0, "amount": 1}, {"seconds": 1.0, "amount": 0},
     {"seconds": 1.0, "amount": 1.5}, {"seconds": 1e400, "amount": 1}],
)  # fmt: skip
def test_a_record_that_was_damaged_says_nothing(tmp_path: Path, noted: object) -> None:
    (tmp_path / "steps").mkdir()
    content = json.dumps({"recipe": "other", "timing": noted})
    (tmp_path / "steps/a.json").write_text(content)
    events: list[Event] = []
    made = Step("a", touch(tmp_path / "out"), tmp_path / "out")
    run_steps([made], tmp_path, events.append)
    assert events[0].expected is None
    assert events[0].left == Left(0, 0, 1)


def test_replacing_is_no_part_of_a_recipe() -> None:
    """Chains that were run before make_nets.py asked for it stay as they are."""
    plain = Step("a", ("make", "b"), Path("out"))
    replacing = Step("a", ("make", "b", "--overwrite"), Path("out"))
    assert recipes([plain]) == recipes([replacing])
    assert recipes([plain]) != recipes([Step("a", ("make",), Path("out"))])


def test_a_command_that_took_another_s_place_is_known_as_that() -> None:
    """Chains that trained with Caffe's own command do not train again."""
    before = Step("a", ("caffe", "train", "--solver", "s"), Path("out"))
    now = ("python", "t/train.py", "--output", "out", "--solver", "s")
    assert recipes([before]) != recipes([Step("a", now, Path("out"))])
    named = Step("a", now, Path("out"), known_as=before.command)
    assert recipes([before]) == recipes([named])


def test_lines_that_are_shown() -> None:
    shown: list[str] = []
    progress = ChainProgress(shown.append)
    a = step("train/a")

    def tell(number: int, seconds: float | None, ran: bool, left: Left) -> None:
        expected = 61.0 if number > 2 else None
        progress(Event(a, number, 4, seconds, ran, expected, left))

    tell(1, 3.0, False, Left(0, 0, 3))
    tell(2, None, True, Left(0, 0, 3))
    tell(2, 61.4, True, Left(0, 0, 2))
    tell(3, None, True, Left(125, 1, 1))
    tell(3, 3723, True, Left(125, 1, 1))
    tell(4, None, True, Left(61, 1, 0))
    tell(4, 0.2, True, Left(0, 0, 0))
    assert shown == [
        "left: 3 steps not timed yet",
        "[2/4] train/a",
        "[2/4] train/a: done in 1 min 1 s; left: 2 steps not timed yet",
        "[3/4] train/a (about 1 min)",
        "[3/4] train/a: done in 1 h 2 min; left: about 2 min and 1 step not timed yet",
        "[4/4] train/a (about 1 min)",
        "[4/4] train/a: done in 0 s",
    ]
    assert progress.summary(7200) == "3 steps done in 2 h 0 min; 1 were done before"
    assert left_text(Left(0, 0, 0)) == ""


@pytest.mark.parametrize(
    ("seconds", "exact", "rough"),
    [
        (0.2, "0 s", "10 s"), (44, "44 s", "40 s"), (59.4, "59 s", "1 min"),
        (59.6, "1 min 0 s", "1 min"), (89, "1 min 29 s", "1 min"),
        (3599.6, "1 h 0 min", "1 h"), (3540, "59 min 0 s", "59 min"),
        (5400, "1 h 30 min", "1 h 30 min"), (7199, "2 h 0 min", "2 h"),
        (400_000, "111 h 7 min", "111 h 10 min"),
    ],
)  # fmt: skip
def test_spans_of_time(seconds: float, exact: str, rough: str) -> None:
    assert (exactly(seconds), about(seconds)) == (exact, rough)
