"""Logs of other Caffes, of other years, and with what others put around the lines."""

import codecs
import math
import os
from pathlib import Path

import numpy as np
import pytest
from commands import run_tool
from hypothesis import given, settings
from hypothesis import strategies as st

from pydrdl.errors import InputError
from pydrdl.logs import reader
from pydrdl.logs.lines import LineDecoder, number
from pydrdl.logs.reader import GrowingLog, LogParser, LogRow, TrainingLog, read_log
from pydrdl.logs.table import columns

# NVCaffe 0.14 to 0.17. The very first rows have a time in place of the speed.
NV = """\
I0329 06:59:54.100000     1 solver.cpp:334] Solving net
I0329 06:59:54.700000     1 solver.cpp:338] Iteration 0 (0.0411 s), loss = 2.31
I0329 06:59:54.700010     1 solver.cpp:356]     Train net output #0: loss = 2.31 (* 1 = 2.31 loss)
I0329 06:59:54.700020     1 sgd_solver.cpp:161] Iteration 0, lr = 0.01, m = 0.9, wd = 0.0005, gs = 1
I0329 06:59:55.182549     1 solver.cpp:334] Iteration 100 (497.3 iter/s, 0.197s/98 iter), 0.4/30ep, loss = 2.18
I0329 06:59:55.182579     1 solver.cpp:356]     Train net output #0: loss = 2.17 (* 1 = 2.17 loss)
I0329 06:59:55.182588     1 sgd_solver.cpp:161] Iteration 100, lr = 0.009, m = 0.9, wd = 0.0005, gs = 1
I0329 06:59:55.200000     1 solver.cpp:400] Iteration 100, Testing net (#0)
I0329 06:59:55.300000     1 solver.cpp:480]     Test net output #0: accuracy = 0.5
I0329 06:59:55.300001     1 solver.cpp:290] [MultiGPU] Tests completed in 0.1s
I0329 06:59:56.182549     1 solver.cpp:334] Iteration 200 (100 iter/s, 1s/100 iter), loss = 1.5
I0329 06:59:56.282549     1 caffe.cpp:254] Optimization Done in 2s
"""  # noqa: E501
# The same fork in 2015.
NV_2015 = """\
I0605 06:59:55.182549     1 solver.cpp:334] Iteration 56 (241.076/s), loss = 2.18
I0605 06:59:55.182588     1 sgd_solver.cpp:161] Iteration 56 (241.076/s), lr = 0.009
I0605 06:59:56.182549     1 solver.cpp:334] Iteration 112 (250/s), loss = 2.08
I0605 06:59:56.182588     1 sgd_solver.cpp:161] Iteration 112 (250/s), lr = 0.008
"""
# Early 2014: the rate comes first, and outputs have no names.
Y2014 = """\
I0317 21:53:12.179772 1 solver.cpp:208] Iteration 500, lr = 0.001
I0317 21:53:12.185698 1 solver.cpp:65] Iteration 500, loss = 1.73643
I0317 21:54:41.150030 1 solver.cpp:87] Iteration 500, Testing net
I0317 21:54:47.129461 1 solver.cpp:114] Test score #0: 0.5504
I0317 21:54:47.129500 1 solver.cpp:114] Test score #1: 1.27805
I0317 21:55:12.179772 1 solver.cpp:208] Iteration 1000, lr = 0.0005
I0317 21:55:12.185698 1 solver.cpp:65] Iteration 1000, loss = 1.5
"""
# Of 2013, as the tutorials showed it, without times.
Y2013 = """\
I1203 solver.cpp:44] Solving LeNet
I1203 solver.cpp:204] Iteration 100, lr = 0.00992565
I1203 solver.cpp:66] Iteration 100, loss = 0.26044
I1203 solver.cpp:84] Testing net
I1203 solver.cpp:111] Test score #0: 0.9785
I1203 solver.cpp:111] Test score #1: 0.0606671
"""
# Behind the loss: of a fork that tells what remains, and of Intel's with MPI.
BEHIND = """\
I0101 01:00:00.000000 1 s.cpp:1] Iteration 10 (2 iter/s, 5s/10 iter), loss = 1.5, remaining 3 hours and 5 minutes
I0101 01:00:00.000001 1 s.cpp:1] Iteration 10, lr = 0.1
I0101 01:00:10.000000 1 s.cpp:1] [0] Iteration 20 (4 iter/s, 5s/10 iter), loss = 1.25, 3 iter/s avg
I0101 01:00:10.000001 1 s.cpp:1] Iteration 20, lr = 0.1
"""  # noqa: E501


def parse(content: str) -> TrainingLog:
    parser = LogParser()
    for line in content.split("\n")[:-1]:
        parser.feed(line)
    return parser.log


Shown = tuple[str, int, float | None, float | None, float | None, dict[str, float]]


def shown(row: LogRow) -> Shown:
    return (row.phase, row.iteration, row.loss, row.learning_rate, row.speed,
            row.values)  # fmt: skip


def test_nvidias() -> None:
    log = parse(NV)
    assert [shown(row) for row in log.rows] == [
        ("train", 0, 2.31, 0.01, None, {"loss": 2.31}),
        ("train", 100, 2.18, 0.009, 497.3, {"loss": 2.17}),
        ("test", 100, None, 0.009, None, {"accuracy": 0.5}),
        ("train", 200, 1.5, 0.009, 100, {}),
    ]
    assert len(log.runs) == 1 and log.runs[0].done


def test_nvidias_of_2015() -> None:
    assert [shown(row) for row in parse(NV_2015).rows] == [
        ("train", 56, 2.18, 0.009, None, {}),
        ("train", 112, 2.08, 0.008, 250, {}),
    ]


@pytest.mark.parametrize("solving", ["", "I0317 21:53:11.0 1 s.cpp:1] Solving CIFAR\n"])
def test_that_of_2014(solving: str) -> None:
    assert [shown(row) for row in parse(solving + Y2014).rows] == [
        ("train", 500, 1.73643, 0.001, None, {}),
        ("test", 500, None, 0.001, None, {"score_0": 0.5504, "score_1": 1.27805}),
        ("train", 1000, 1.5, 0.0005, None, {}),
    ]


def test_that_of_2013() -> None:
    assert [shown(row) for row in parse(Y2013).rows] == [
        ("train", 100, 0.26044, 0.00992565, None, {}),
        (
            "test",
            100,
            None,
            0.00992565,
            None,
            {"score_0": 0.9785, "score_1": 0.0606671},
        ),
    ]


def test_runs_of_2014_that_only_their_iterations_tell_apart() -> None:
    """The rate shown ahead of a run's first row is that run's."""
    again = Y2014.replace("lr = 0.001", "lr = 0.1").replace("lr = 0.0005", "lr = 0.2")
    log = parse(Y2014 + again)
    assert [(r.run, r.iteration, r.learning_rate) for r in log.of("train")] == [
        (0, 500, 0.001), (0, 1000, 0.0005), (1, 500, 0.1), (1, 1000, 0.2),
    ]  # fmt: skip


def test_what_stands_behind_the_loss() -> None:
    assert [shown(row) for row in parse(BEHIND).rows] == [
        ("train", 10, 1.5, 0.1, None, {}),
        ("train", 20, 1.25, 0.1, 4, {}),
    ]


# --- What stands in front of the lines, and in which bytes they are

FRONT = {
    "indented": "    ",
    "tab": "\t",
    "compose": "worker_1  | ",
    "coloured": "\x1b[36mworker_1  |\x1b[0m ",
    "mpi": "[1,0]<stderr>:",
    "kubernetes": "2026-11-29T01:00:00.123456789Z stderr F ",
    "journal": "Nov 29 01:00:00 host caffe[77]: ",
    "quoted": "> ",
    "progress": "  10%|##    | 1/10\r",
}


@pytest.mark.parametrize("front", FRONT)
@pytest.mark.parametrize("log", [NV, NV_2015, Y2014, Y2013, BEHIND])
def test_what_stands_in_front_of_a_line_is_skipped(
    log: str, front: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.log"
    path.write_text("".join(FRONT[front] + line + "\n" for line in log.splitlines()))
    found, expected = read_log(path), parse(log)
    assert [shown(row) for row in found.rows] == [shown(row) for row in expected.rows]
    assert [r.seconds for r in found.rows] == [r.seconds for r in expected.rows]
    assert found.runs == expected.runs


@pytest.mark.parametrize("front", ["", "    ", "worker_1  | ", "[1,0]<stderr>:"])
def test_lines_without_glogs_prefix(front: str) -> None:
    bare = [line.split("] ", 1)[1] for line in NV.splitlines()]
    log = parse("".join(f"{front}{line}\n" for line in bare))
    assert [shown(r) for r in log.rows] == [shown(r) for r in parse(NV).rows]
    assert {row.seconds for row in log.rows} == {None}


def test_ranks_of_mpirun_are_one_training() -> None:
    """Each rank says that it begins, and shows the same iterations."""
    lines = []
    for time, message in (
        (0, "Solving net"),
        (1, "Iteration 0, loss = {}"),
        (1, "    Train net output #0: top = {}"),
        (2, "Iteration 20, loss = {}"),
        (2, "    Train net output #0: top = {}"),
        (3, "Optimization Done."),
    ):
        lines += [
            f"[1,{rank}]<stderr>:I1129 01:00:{time + rank:02d}.000000 {70 + rank} "
            f"solver.cpp:1] {message.format(rank + 1)}"
            for rank in range(3)
        ]
    # A rank may be late: the first has shown a row before the last begins.
    lines[2], lines[3] = lines[3], lines[2]
    log = parse("\n".join([*lines, ""]))
    assert [(r.run, r.iteration, r.loss, r.values) for r in log.rows] == [
        (0, 0, 1, {"top": 1}), (0, 20, 1, {"top": 1}),
    ]  # fmt: skip
    assert len(log.runs) == 1 and log.runs[0].done


def test_another_process_is_another_run() -> None:
    first = [line.replace(" 1 ", " 7 ") for line in NV.splitlines()][:-1]  # killed
    log = parse("\n".join([*first, *NV.splitlines(), ""]))
    assert [r.run for r in log.rows] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert [run.done for run in log.runs] == [False, True]


@pytest.mark.parametrize(
    "moment",
    ["1329 01:00:00", "0132 01:00:00", "0000 01:00:00", "0230 01:00:00",
     "1129 25:00:00", "1129 01:61:00", "1129 01:00:60", "00000101 01:00:00",
     "20270229 01:00:00"],
)  # fmt: skip
def test_an_impossible_moment_is_no_time(moment: str) -> None:
    line = f"I{moment}.000000 1 s.cpp:1] Iteration 0, loss = 1\n"
    other = "I1129 01:00:10.000000 1 s.cpp:1] Iteration 20, loss = 0.5\n"
    log = parse(line + other + other.replace("20", "40").replace(":10", ":12"))
    assert [r.iteration for r in log.rows] == [0, 20, 40]
    assert [r.seconds for r in log.rows] == [None, 0, 2]
    assert columns(log, "train")["Seconds"] == [None, 0, 2]


ENCODINGS = {
    "utf-8": "utf-8",
    "with its mark": "utf-8-sig",
    "powershell": "utf-16",
    "big endian": "utf-16-be",
    "little endian": "utf-16-le",
}


def encoded(content: str, name: str) -> bytes:
    mark = codecs.BOM_UTF16_BE if name == "big endian" else b""
    return mark + content.encode(ENCODINGS[name])


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ENCODINGS)
def test_encodings(name: str, line_end: str, tmp_path: Path) -> None:
    """Little endian without its mark: what PowerShell appends."""
    resumed = "I0329 06:59:50.0 1 caffe.cpp:1] Resuming from größe_4.solverstate\n"
    content = encoded((resumed + NV).replace("\n", line_end), name)
    path = tmp_path / "a.log"
    path.write_bytes(content)
    expected = [shown(row) for row in parse(NV).rows]
    log = read_log(path)
    assert [shown(row) for row in log.rows] == expected
    if name != "little endian":
        assert log.runs[0].resumed_from == "größe_4.solverstate"
    # And while it grows, in pieces that cut characters in two.
    growing = GrowingLog(path)
    for end in range(0, len(content) + 33, 33):
        path.write_bytes(content[:end])
        growing.poll()
    assert [shown(row) for row in growing.poll().rows] == expected
    assert growing.done


def test_a_log_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    path, other = tmp_path / "a.log", tmp_path / "b.log"
    path.write_text(NV_2015)
    growing = GrowingLog(path)
    assert len(growing.poll().rows) == 2
    other.write_text(NV)  # which is longer
    other.replace(path)
    assert [r.iteration for r in growing.poll().of("train")] == [0, 100, 200]


def test_holes_and_long_lines_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    half, rest = NV[: NV.index("I0329 06:59:55.2")], NV[NV.index("I0329 06:59:55.2") :]
    long = "Iteration 5, loss = 3 " + "x" * 300_000 + "\n"
    path.write_bytes(b"\0" * 5000 + half.encode() + long.encode() + b"\xff\xfe\n"
                     + rest.encode())  # fmt: skip
    assert [shown(r) for r in read_log(path).rows] == [shown(r) for r in parse(NV).rows]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 400), max_size=12), st.data())
def test_pieces_give_the_lines_of_the_whole(
    lengths: list[int], data: st.DataObject
) -> None:
    lines = ["ä" * length for length in lengths]
    content = "".join(f"{line}\n" for line in lines).encode() + b"rest"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    decoder, found = LineDecoder(), []
    for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        found += decoder.feed(content[start:end])
    assert found == lines


# --- What is no log


def test_binary_and_huge_files_are_refused_in_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).bytes(300_000)
    hole = tmp_path / "hole"
    with hole.open("wb") as file:
        file.truncate(1 << 31)  # of zeros: after 16 MiB it is given up
    for name, content in (("noise", noise), ("zeros", b"\0" * 4096)):
        (tmp_path / name).write_bytes(content)
    for path in (hole, tmp_path / "noise", tmp_path / "zeros"):
        with pytest.raises(InputError) as refused:
            read_log(path)
        assert refused.value.what == "a binary file, no log of caffe train"
    with pytest.raises(InputError, match="a binary file"):
        GrowingLog(hole).poll()
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(InputError, match="no iteration is shown"):
        read_log(tmp_path / "empty")
    monkeypatch.setattr(reader, "MAX_BYTES", len(NV) - 1)
    (tmp_path / "huge").write_text(NV)
    for read in (read_log, lambda path: GrowingLog(path).poll()):
        with pytest.raises(
            InputError, match=r"a log of .* bytes; more than"
        ) as refused:
            read(tmp_path / "huge")
        assert "grep -aE" in refused.value.next_step


@pytest.mark.parametrize("tool", ["parse_log.py", "plot_training.py"])
def test_tools_do_not_wait_for_a_pipe(tool: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.log")
    for more in ((), ("--follow",)) if tool == "plot_training.py" else ((),):
        done = run_tool(tool, tmp_path / "a.log", "--output", tmp_path / "o.png", *more)
        assert done.returncode == 1
        assert "cannot read the log: a named pipe, no regular file" in done.stderr


def test_numbers() -> None:
    """As C++ prints them on Linux and with old and new MSVC; Python's _ is none."""
    printed = {"0.5": 0.5, "-1e-05": -1e-5, ".5": 0.5, "5.": 5.0, "inf": math.inf,
               "-inf": -math.inf, "1.#INF": math.inf, "-1.#INF": -math.inf}  # fmt: skip
    assert {word: number(word) for word in printed} == printed
    for word in ("nan", "-nan", "-nan(ind)", "1.#QNAN", "-1.#IND", "1_0", "0x1p3", ""):
        assert math.isnan(number(word))


def test_iterations_of_any_length() -> None:
    log = parse(f"Iteration {'9' * 5000}, loss = 1\nIteration {'9' * 18}, loss = 2\n")
    assert [row.iteration for row in log.rows] == [10**18 - 1]


def test_tops_with_a_columns_name_keep_their_own() -> None:
    output = "    Train net output #"
    log = parse(
        f"Iteration 0, loss = 1\n{output}0: Loss = nan\n{output}1: Run = 7\n"
        f"{output}2: a b = 3\n"
    )
    table = columns(log, "train")
    assert table["Loss"] == [1] and table["Run"] == [0] and table["a b"] == [3]
    assert math.isnan(table["Loss (output)"][0]) and table["Run (output)"] == [7]
    assert table["NotFinite"] == ["Loss (output)"]
