"""Training logs: literal ones, those of our caffe command, tables, events, curves."""

import csv
import io
import math
import signal
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import CAFFE, PIPE, Done, run_tool, start, tool
from commands import run as run_program
from hypothesis import given, settings
from hypothesis import strategies as st

from pydrdl.errors import InputError
from pydrdl.logs.plot import draw, elapsed, running_mean, save, series
from pydrdl.logs.reader import GrowingLog, LogParser, TrainingLog, read_log
from pydrdl.logs.table import columns, to_csv, write_events

PLOT = tool("plot_training.py")
# Two runs: one that was killed in the middle of a line, and its continuation,
# which has not ended its last line.
LOG = """\
I20261231 23:59:58.500000   77 caffe.cpp:240] Starting Optimization
I20261231 23:59:58.600000   77 solver.cpp:290] Solving demo ccl
I20261231 23:59:58.600000   77 solver.cpp:291] Learning Rate Policy: step
I20261231 23:59:59.600000   77 solver.cpp:240] Iteration 0 (-2.5e-43 iter/s, 1s/20 iters), loss = 2.5
I20261231 23:59:59.600000   77 solver.cpp:259]     Train net output #0: ccl_loss = 0.5 (* 1 = 0.5 loss)
I20261231 23:59:59.600000   77 solver.cpp:259]     Train net output #1: d = 1.25
I20261231 23:59:59.600000   77 solver.cpp:259]     Train net output #2: d = -3e-05
I20261231 23:59:59.600000   77 solver.cpp:259]     Train net output #3: loss = 4 (* 0.5 = 2 loss)
I20261231 23:59:59.600000   77 sgd_solver.cpp:113] Iteration 0, lr = 0.01
I20270101 00:00:09.600000   77 solver.cpp:348] Iteration 20, Testing net (#0)
I20270101 00:00:09.600000   77 net.cpp:680] Ignoring source layer pair_sets
I20270101 00:00:10.000000   77 solver.cpp:402] Test loss: 2.25
I20270101 00:00:10.000000   77 solver.cpp:415]     Test net output #0: accuracy = 0.75
I20270101 00:00:10.100000   77 solver.cpp:348] Iteration 20, Testing net (#1)
I20270101 00:00:10.200000   77 solver.cpp:415]     Test net output #0: accuracy = 0.5
I20270101 00:00:10.600000   77 solver.cpp:240] Iteration 20 (2.0 iter/s, 10s/20 iters), loss = nan
I20270101 00:00:10.600000   77 solver.cpp:259]     Train net output #0: ccl_loss = -nan (* 1 = -nan loss)
I20270101 00:00:10.600000   77 solver.cpp:259]     Train net output #1: d = inf
I20270101 00:00:10.600000   77 solver.cpp:259]     Train net output #2: d = 2
I20270101 00:00:10.600000   77 solver.cpp:259]     Train net output #3: loss = 1 (* 0.5 = 0.5 loss)
I20270101 00:00:10.600000   77 sgd_solver.cpp:113] Iteration 20, lr = 0.01
I20270101 00:00:20.600000   77 solver.cpp:240] Iteration 40 (2.0 iter/s, 10s/20 iters), loss = 0.25
I20270101 00:00:20.600000   77 solver.cpp:259]     Train net output #0: ccl_loss = 0.I20270101 00:05:00.000000   99 caffe.cpp:236] Resuming from a b_iter_20.solverstate
I20270101 00:05:00.000000   99 caffe.cpp:236] Resuming from a b_iter_20.solverstate
I20270101 00:05:00.100000   99 caffe.cpp:240] Starting Optimization
I20270101 00:05:00.200000   99 solver.cpp:290] Solving demo ccl
I20270101 00:05:01.200000   99 solver.cpp:240] Iteration 20 (1.0 iter/s, 1s/20 iters), loss = 0.75
I20270101 00:05:01.200000   99 solver.cpp:259]     Train net output #0: ccl_loss = 0.375 (* 1 = 0.375 loss)
I20270101 00:05:01.200000   99 sgd_solver.cpp:113] Iteration 20, lr = 0.007
I20270101 00:05:11.200000   99 solver.cpp:328] Iteration 40, loss = 0.5
I20270101 00:05:11.200000   99 solver.cpp:333] Optimization Done.
I20270101 00:05:11.300000   99 caffe.cpp:251] Optimization Done.
I20270101 00:05:12.000000   99 caffe.cpp:251] Iteration 60, loss = 9.99"""  # noqa: E501


def parse(text: str) -> TrainingLog:
    parser = LogParser()
    for line in text.split("\n")[:-1]:
        parser.feed(line)
    return parser.log


@pytest.fixture
def log() -> TrainingLog:
    return parse(LOG)


def test_rows(log: TrainingLog) -> None:
    train = log.of("train")
    assert [(r.run, r.iteration) for r in train] == [
        (0, 0), (0, 20), (0, 40), (1, 20), (1, 40),
    ]  # fmt: skip
    assert [r.seconds for r in train] == pytest.approx([1, 12, 22, 1, 11])
    assert [r.learning_rate for r in train] == [0.01, 0.01, 0.01, 0.007, 0.007]
    assert [r.loss for r in train][2:] == [0.25, 0.75, 0.5]
    # A run's first "iter/s" counts from an iteration that Caffe has not set.
    assert [r.speed for r in train] == [None, 2, 2, None, None]
    assert train[0].values == {"ccl_loss": 0.5, "d": 1.25, "d[1]": -3e-5, "loss": 4}
    assert train[2].values == {}  # of the line that was cut off, nothing
    assert log.loss_weights == {"ccl_loss": 1, "loss": 0.5}
    assert log.tops("train") == ["ccl_loss", "d", "d[1]", "loss"]


def test_test_nets(log: TrainingLog) -> None:
    first, second = log.of("test")
    assert (first.net, second.net) == (0, 1)
    assert (first.loss, second.loss) == (2.25, None)
    assert first.values == {"accuracy": 0.75} and second.values == {"accuracy": 0.5}
    assert first.learning_rate == 0.01
    assert first.seconds == pytest.approx(11)


def test_values_that_are_not_finite_are_kept_and_named(log: TrainingLog) -> None:
    row = log.of("train")[1]
    assert math.isnan(row.values["ccl_loss"]) and row.values["d"] == math.inf
    assert row.not_finite == ["Loss", "ccl_loss", "d"]
    assert [r.not_finite for r in log.rows if r is not row] == [[]] * 6


def test_runs(log: TrainingLog) -> None:
    killed, resumed = log.runs
    assert (killed.resumed_from, killed.done) == ("", False)
    assert (resumed.resumed_from, resumed.done) == ("a b_iter_20.solverstate", True)
    assert [r.iteration for r in log.of("train", 1)] == [20, 40]


def test_training_that_was_stopped_is_not_done() -> None:
    text = LOG.replace(
        "solver.cpp:333] Optimization Done.",
        "solver.cpp:312] Optimization stopped early.",
    )
    assert not parse(text).runs[-1].done


def test_lines_without_a_prefix() -> None:
    bare = "\n".join(line.split("] ", 1)[-1] for line in LOG.split("\n"))
    log, expected = parse(bare), parse(LOG)
    assert [(r.run, r.phase, r.iteration, r.loss) for r in log.rows][:1] == [
        (0, "train", 0, 2.5)
    ]
    for ours, theirs in zip(log.rows, expected.rows, strict=True):
        assert ours.seconds is None
        np.testing.assert_equal(ours.values, theirs.values)
        assert ours.learning_rate == theirs.learning_rate


def test_prefixes_without_a_year() -> None:
    """Glog before 0.6; training over New Year's Eve, and over a February 29."""
    old = LOG.replace("I2026", "I").replace("I2027", "I")
    assert [r.seconds for r in parse(old).rows] == pytest.approx(
        [r.seconds for r in parse(LOG).rows]
    )
    leap = old.replace("I1231", "I0229").replace("I0101", "I0301")
    assert [r.seconds for r in parse(leap).rows] == pytest.approx(
        [r.seconds for r in parse(LOG).rows]
    )


def test_runs_that_only_their_iterations_tell_apart() -> None:
    """Such as `grep Iteration` leaves."""
    kept = [line for line in LOG.split("\n") if "Iteration" in line]
    log = parse("\n".join([*kept, ""]))
    assert [(r.run, r.iteration) for r in log.of("train")] == [
        (0, 0), (0, 20), (0, 40), (1, 20), (1, 40), (1, 60),
    ]  # fmt: skip


def test_every_gpu_may_show_the_iteration() -> None:
    """Older Caffe's threads did; what the first shows is kept."""
    lines = []
    for iteration in (0, 20):
        for thread, value in ((7, 1), (8, 2), (9, 3)):
            lines.append(
                f"I0604 10:00:{iteration:02}.000000 {thread} solver.cpp:228] "
                f"Iteration {iteration}, loss = {value}"
            )
        for thread, value in ((9, 3), (7, 1), (8, 2)):
            lines.append(
                f"I0604 10:00:{iteration:02}.100000 {thread} solver.cpp:244]     "
                f"Train net output #0: top = {value} (* 1 = {value} loss)"
            )
    log = parse("\n".join([*lines, ""]))
    assert [(r.run, r.iteration, r.loss) for r in log.rows] == [(0, 0, 1), (0, 20, 1)]
    assert [r.values for r in log.rows] == [{"top": 1}, {"top": 1}]
    assert log.repeated == 4 and len(log.runs) == 1


def test_outputs_of_an_iteration_that_is_missing_go_nowhere() -> None:
    log = parse(
        "Iteration 20, Testing net (#0)\n    Train net output #0: a = 1\n"
        "    Test net output #0: a = 2\nIteration 40, lr = 0.5\n"
        "Iteration 60, loss = 1\n"
    )
    assert [r.values for r in log.rows] == [{"a": 2}, {}]
    assert [r.learning_rate for r in log.rows] == [None, 0.5]


def test_lines_of_nvidias_fork() -> None:
    log = parse(
        "I0604 10:00:00.000000 7 solver.cpp:295] Iteration 20 (3.3 iter/s, 6s/20 iter)"
        ", 1.2/100ep, loss = 0.5\n"
    )
    assert [(r.iteration, r.loss) for r in log.rows] == [(20, 0.5)]


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, len(LOG)))
def test_a_log_may_end_anywhere(cut: int) -> None:
    """What is cut off is less of the same, never something else."""
    part, whole = parse(LOG[:cut]), parse(LOG)
    assert len(part.rows) <= len(whole.rows)
    for ours, full in zip(part.rows, whole.rows, strict=False):
        assert (ours.run, ours.phase, ours.iteration) == (
            full.run, full.phase, full.iteration,
        )  # fmt: skip
        for name, value in ours.values.items():
            np.testing.assert_equal(value, full.values[name])


def test_table(log: TrainingLog) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(log, "train"))))
    assert list(rows[0]) == [
        "NumIters", "Seconds", "LearningRate", "ccl_loss", "d", "d[1]", "loss",
        "Run", "IterPerSecond", "Loss", "NotFinite",
    ]  # fmt: skip
    assert [row["NumIters"] for row in rows] == ["0", "20", "40", "20", "40"]
    assert rows[0]["Seconds"] == "1.0" and rows[0]["NotFinite"] == ""
    # A NaN is a value; what was not shown is none.
    assert rows[1]["ccl_loss"] == "nan" and rows[1]["NotFinite"] == "Loss ccl_loss d"
    assert rows[2]["ccl_loss"] == "" and rows[0]["IterPerSecond"] == ""
    tested = columns(log, "test")
    assert tested["TestNet"] == [0, 1] and tested["accuracy"] == [0.75, 0.5]
    np.testing.assert_equal(
        series(log.of("train"), "ccl_loss"), [0.5, np.nan, np.nan, 0.375, np.nan]
    )
    np.testing.assert_equal(
        series(log.of("train"), None), [2.5, np.nan, 0.25, 0.75, 0.5]
    )


def test_files_that_are_no_logs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_log(tmp_path / "none.log")
    with pytest.raises(InputError, match="Is a directory"):
        read_log(tmp_path)
    path = tmp_path / "other.log"
    path.write_bytes(b"\xff\xfe nothing\nI0604 Iteration: 3 forward-backward: 2 ms.\n")
    with pytest.raises(InputError, match="no iteration is shown"):
        read_log(path)


def test_a_log_that_grows(tmp_path: Path) -> None:
    """In pieces of any size the result is that of the whole."""
    path = tmp_path / "train.log"
    growing = GrowingLog(path)
    assert growing.poll().rows == [] and not growing.done
    content = LOG.encode()
    states = set()
    for end in range(0, len(content) + 37, 37):
        path.write_bytes(content[:end])
        growing.poll()
        states.add((len(growing.poll().rows), growing.done))
    np.testing.assert_equal(
        [r.values for r in growing.poll().rows], [r.values for r in parse(LOG).rows]
    )
    assert growing.done
    assert {n for n, _ in states} == set(range(8))
    assert states >= {(6, False), (7, True)}
    path.write_text(LOG.split("Test loss")[0])  # begun anew
    assert len(growing.poll().rows) == 2 and not growing.done


def test_running_mean() -> None:
    values = np.array([1.0, np.nan, 4.0, 7.0, np.inf, 1.0])
    np.testing.assert_allclose(
        running_mean(values, 3), [1, 2.5, 5.5, 5.5, 4, 1], atol=1e-12
    )
    np.testing.assert_equal(running_mean(values, 1)[[1, 4]], [np.nan, np.nan])
    np.testing.assert_allclose(running_mean(np.arange(9.0), 4)[3:6], [2.5, 3.5, 4.5])


def test_seconds_go_on_from_run_to_run(log: TrainingLog) -> None:
    train = log.of("train")
    np.testing.assert_allclose(elapsed(log, train), [1, 12, 22, 23, 33])
    bare = parse("Iteration 0, loss = 1\n    Train net output #0: a = 1\n")
    assert len(draw({"l": bare}).axes) == 3
    with pytest.raises(InputError, match="lines have no time"):
        draw({"l": bare}, x="seconds")


def lines_of(log: TrainingLog, **options: object) -> dict[str, list[object]]:
    """Every named line of the figure with its points, by panel and name."""
    figure = draw({"one": log}, **options)  # type: ignore[arg-type]
    found: dict[str, list[object]] = {}
    for axis in figure.axes:
        for line in axis.get_lines():
            name = f"{axis.get_ylabel()}: {line.get_label()}"
            found.setdefault(name, []).append(np.array(line.get_xydata()))
    return found


def test_curves_show_what_was_logged(log: TrainingLog) -> None:
    found = lines_of(log)
    first, second = found["loss: ccl_loss"]
    np.testing.assert_equal(first, [[0, 0.5], [20, np.nan]])
    np.testing.assert_equal(second, [[20, 0.375]])
    np.testing.assert_equal(found["loss: ccl_loss NaN or infinite"], [[[20, 1]]])
    np.testing.assert_equal(found["share: accuracy, test net 0"], [[[20, 0.75]]])
    np.testing.assert_equal(found["share: accuracy, test net 1"], [[[20, 0.5]]])
    # The total loss, of training and of the test net that shows it.
    total = [[[0, 2.5], [20, np.nan], [40, 0.25]], [[20, 0.75], [40, 0.5]]]
    np.testing.assert_equal(found["loss: total loss"][0], total[0])
    np.testing.assert_equal(found["loss: total loss"][1], total[1])
    np.testing.assert_equal(found["loss: dashed: test nets"], [[[20, 2.25]]])
    np.testing.assert_equal(found["other outputs: d[1]"], [[[0, -3e-5], [20, 2]]])
    (rates,) = found["learning rate: one"]
    np.testing.assert_equal(
        rates, [[0, 0.01], [20, 0.01], [40, 0.01], [20, 0.007], [40, 0.007]]
    )
    total = parse("Iteration 0, loss = 1\nIteration 20, loss = nan\n")
    np.testing.assert_equal(
        lines_of(total)["loss: total loss"], [[[0, 1], [20, np.nan]]]
    )
    by_time = lines_of(log, x="seconds")
    np.testing.assert_allclose(by_time["loss: ccl_loss"][1], [[23, 0.375]])


def test_pictures_are_whole_and_of_the_named_format(
    log: TrainingLog, tmp_path: Path
) -> None:
    figure = draw({"one": log, "two": log}, smooth=3)
    for name, head in (("c.png", b"\x89PNG"), ("c.svg", b"<?xml"), ("c.pdf", b"%PDF")):
        save(figure, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(head)
    pixels = cv2.imread(str(tmp_path / "c.png"))
    assert pixels.shape[0] > 400 and len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(InputError, match=r"end in \.png, \.svg, \.pdf"):
        save(figure, tmp_path / "c.bmp")
    with pytest.raises(InputError, match="cannot write the picture"):
        save(figure, tmp_path / "none/c.png")


def test_event_files_are_read_back(log: TrainingLog, tmp_path: Path) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    count = write_events(log, tmp_path / "events/one")
    assert [p.name for p in (tmp_path / "events").iterdir()] == ["one"]
    events = accumulator.EventAccumulator(str(tmp_path / "events/one"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {
        "train/total_loss", "train/learning_rate", "train/ccl_loss", "train/d",
        "train/d[1]", "train/loss", "test/accuracy", "test/total_loss",
        "test1/accuracy",
    }  # fmt: skip
    # Iteration 20 and what followed were done again by the second run.
    assert [(s.step, s.value) for s in events.Scalars("train/total_loss")] == [
        (0, 2.5), (20, 0.75), (40, 0.5),
    ]  # fmt: skip
    rates = events.Scalars("train/learning_rate")
    assert [s.step for s in rates] == [0, 20, 40]
    np.testing.assert_allclose([s.value for s in rates], [0.01, 0.007, 0.007])
    every = accumulator.EventAccumulator(
        str(tmp_path / "events/one"), purge_orphaned_data=False
    )
    every.Reload()
    assert count == sum(len(every.Scalars(t)) for t in every.Tags()["scalars"])
    assert math.isnan(every.Scalars("train/ccl_loss")[1].value)
    with pytest.raises(InputError, match="the output exists"):
        write_events(log, tmp_path / "events/one")


def test_without_tensorboard(
    log: TrainingLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [m for m in sys.modules if m.startswith("tensorboard")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(InputError, match="tensorboard is not installed"):
        write_events(log, tmp_path / "one")
    assert not any(tmp_path.iterdir())


def run(name: str, *words: object) -> Done:
    return run_tool(f"{name}.py", *words)


def test_the_tools(tmp_path: Path) -> None:
    path = tmp_path / "ccl.log"
    path.write_text(LOG)
    done = run("parse_log", path, "--output", tmp_path / "tables")
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "tables/ccl.log.train.csv").read_text()
    assert written == to_csv(parse(LOG), "train")
    assert (tmp_path / "tables/ccl.log.test.csv").exists()
    done = run("plot_training", path, "--output", tmp_path / "c.png", "--tensorboard",
               tmp_path / "events")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "iteration 40, done, 1 rows with NaN or infinity" in done.stdout
    assert (tmp_path / "c.png").exists() and (tmp_path / "events/ccl").is_dir()
    (tmp_path / "empty.log").write_text("nothing\n")
    for name in ("parse_log", "plot_training"):
        failed = run(name, tmp_path / "empty.log", "--output", tmp_path / "e.png")
        assert failed.returncode == 1
        assert failed.stderr.startswith("error: no iteration is shown")
    assert not (tmp_path / "e.png").exists()
    assert run("plot_training", path, path).returncode == 2


def test_following_a_log_until_it_is_done(tmp_path: Path) -> None:
    """The picture is there while training runs; the tool ends when it does."""
    path, output = tmp_path / "ccl.log", tmp_path / "c.png"
    half, rest = LOG.split("I20270101 00:05:11.200000   99 solver.cpp:333]")
    path.write_text(half)
    words = path, "--output", output, "--follow", "--interval", 0.1
    with start(*PLOT, *words, stdout=PIPE) as tool:
        assert tool.stdout is not None
        assert "iteration 40, not done" in tool.stdout.readline()
        assert output.read_bytes().startswith(b"\x89PNG")
        with path.open("a") as file:
            file.write("I20270101 00:05:11.200000   99 solver.cpp:333]" + rest)
        assert "iteration 40, done" in tool.stdout.read()
    assert tool.returncode == 0


def test_following_ends_on_ctrl_c(tmp_path: Path) -> None:
    path = tmp_path / "ccl.log"
    path.write_text("Iteration 0, loss = 1\n")
    words = path, "--output", tmp_path / "c.png", "--follow"
    with start(*PLOT, *words, stdout=PIPE, stderr=PIPE) as tool:
        assert tool.stdout is not None
        assert "not done" in tool.stdout.readline()
        tool.send_signal(signal.SIGINT)
        try:
            _, errors = tool.communicate(timeout=60)
        finally:
            tool.kill()
        assert "Traceback" not in errors
    assert tool.returncode == 130


CLASSIFIER = """
name: "log"
layer { name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param { shape { dim: 4 dim: 3 } shape { dim: 4 }
    data_filler { type: "gaussian" std: STD }
    data_filler { type: "constant" value: 1 } } }
layer { name: "score" type: "InnerProduct" bottom: "data" top: "score"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label"
  top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "score" bottom: "label"
  top: "accuracy" include { phase: TEST } }
"""
SOLVER = """
net: "{folder}/net.prototxt" base_lr: {rate} lr_policy: "step" gamma: 0.5
stepsize: 4 display: 2 max_iter: 8 snapshot: 4 snapshot_prefix: "{folder}/s"
test_iter: 2 test_interval: 4 test_initialization: true solver_mode: CPU
random_seed: 1 stop_at_nan: false
"""


@pytest.mark.caffe
@pytest.mark.parametrize("rate", [0.1, 1e38])
def test_logs_of_our_caffe(tmp_path: Path, rate: float) -> None:
    """Trained, and resumed into the same log; once with a rate that diverges."""
    std = "1" if rate < 1 else "1e20"  # weights become infinite
    (tmp_path / "net.prototxt").write_text(CLASSIFIER.replace("STD", std))
    solver = tmp_path / "solver.prototxt"
    solver.write_text(SOLVER.format(folder=tmp_path, rate=rate))
    path, before = tmp_path / "train.log", time.time()
    for more in ((), ("--snapshot", tmp_path / "s_iter_4.solverstate")):
        with path.open("a") as file:
            done = run_program(
                CAFFE, "train", "--solver", solver, *more,
                stderr=file, GLOG_minloglevel="0",
            )  # fmt: skip
        assert done.returncode == 0
    log = read_log(path)
    assert [(r.run, r.iteration) for r in log.of("train")] == [
        (0, 0), (0, 2), (0, 4), (0, 6), (0, 8), (1, 4), (1, 6), (1, 8),
    ]  # fmt: skip
    assert [(r.run, r.iteration) for r in log.of("test")] == [
        (0, 0), (0, 4), (0, 8), (1, 4), (1, 8),
    ]  # fmt: skip
    assert [r.done for r in log.runs] == [True, True]
    assert log.runs[1].resumed_from == str(tmp_path / "s_iter_4.solverstate")
    assert all(set(r.values) == {"accuracy", "loss"} for r in log.of("test"))
    # The last line of a run shows the total alone.
    shown = [r for r in log.of("train") if r.iteration < 8]
    assert all(set(r.values) == {"loss"} and r.loss is not None for r in shown)
    if rate < 1:
        rates = [r.learning_rate for r in shown]
        assert rates == [0.1, 0.1, 0.05, 0.05, 0.05, 0.05]
        assert not any(r.not_finite for r in log.rows)
    else:
        diverged = [r for r in shown if r.iteration]
        assert all(r.not_finite == ["Loss", "loss"] for r in diverged)
        assert len(to_csv(log, "train").splitlines()) == 9
    seconds = [r.seconds for r in log.of("train", 0)]
    assert None not in seconds
    assert 0 <= seconds[0] <= seconds[-1] <= time.time() - before  # type: ignore[operator]
