"""What is drawn of training logs, and by which names."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from commands import run_tool

from pydrdl.errors import InputError
from pydrdl.logs.plot import draw, save
from pydrdl.logs.reader import LogParser, TrainingLog
from pydrdl.report.content import Figure
from pydrdl.report.inputs import training_section


def parse(content: str) -> TrainingLog:
    parser = LogParser()
    for line in content.splitlines():
        parser.feed(line)
    return parser.log


def a_log(tests: Mapping[str, float], *, nets: int = 1, last: bool = True) -> str:
    """A training that shows "loss", tested with other outputs; factors by name."""
    lines = ["I1129 01:00:00.000000 1 solver.cpp:1] Solving net"]
    for i in range(0, 60, 10):
        front = f"I1129 01:00:{i:02d}.000000 1 solver.cpp:1] "
        for net in range(nets):
            lines.append(f"{front}Iteration {i}, Testing net (#{net})")
            lines += [
                f"{front}    Test net output #{k}: {name} = {factor * i + net}"
                for k, (name, factor) in enumerate(tests.items())
            ]
        lines += [
            f"{front}Iteration {i}, loss = {6 - i / 10}",
            f"{front}    Train net output #0: loss = {3 - i / 50} (* 1 = 3 loss)",
            f"{front}    Train net output #1: side = {3 - i / 20} (* 1 = 3 loss)",
            f"{front}Iteration {i}, lr = 0.01",
        ]
    if last:
        lines.append("I1129 01:01:00.000000 1 solver.cpp:1] Iteration 60, loss = 0.5")
    return "\n".join(lines)


def legends(logs: Mapping[str, TrainingLog], **options: object) -> dict[str, list[str]]:
    """The entries of each panel's legend."""
    found = {}
    for axis in draw(logs, **options).axes:  # type: ignore[arg-type]
        legend = axis.get_legend()
        entries = legend.get_texts() if legend else []
        found[axis.get_ylabel()] = [text.get_text() for text in entries]
    return found


def curves(logs: Mapping[str, TrainingLog], panel: str) -> dict[str, list[np.ndarray]]:
    """The lines of a panel by their names."""
    found: dict[str, list[np.ndarray]] = {}
    for axis in draw(logs).axes:
        if axis.get_ylabel() == panel:
            for line in axis.get_lines():
                found.setdefault(str(line.get_label()), []).append(line.get_xydata())
    return found


TESTS = {"accuracy_top1": 0.01, "accuracy_top5": 0.015, "recall": -0.01}


def test_outputs_of_test_nets_alone_are_named() -> None:
    log = parse(a_log(TESTS))
    assert legends({"a": log}) == {
        "loss": ["loss", "side", "total loss"],
        "share": ["accuracy_top1", "accuracy_top5"],
        "other outputs": ["recall"],
        "learning rate": [],
    }
    (line,) = curves({"a": log}, "share")["accuracy_top5"]
    np.testing.assert_allclose(line, [[i, 0.015 * i] for i in range(0, 60, 10)])


def test_of_several_logs_each_is_named() -> None:
    logs = {"ccl": parse(a_log(TESTS)), "triplet": parse(a_log({"recall": 1}))}
    found = legends(logs)
    assert found["share"] == ["ccl: accuracy_top1", "ccl: accuracy_top5"]
    assert found["other outputs"] == ["ccl: recall", "triplet: recall"]
    assert found["learning rate"] == ["ccl", "triplet"]
    colours = {
        line.get_label(): line.get_color()
        for axis in draw(logs).axes
        for line in axis.get_lines()
        if axis.get_ylabel() == "other outputs"
    }
    assert len(set(colours.values())) == len(colours) == 2


def test_outputs_that_training_shows_too_have_one_entry() -> None:
    log = parse(a_log({"loss": 0.5, "side": 0.25, "recall": 1}))
    found = legends({"a": log})
    assert found["loss"] == ["loss", "dashed: test nets", "side", "total loss"]
    assert found["other outputs"] == ["recall"]
    # A log whose training does not show it has a name for it all the same.
    both = legends({"a": log, "b": parse("Iteration 0, Testing net (#0)\n"
                                         "Test net output #0: loss = 3 (* 1 = 3 loss)\n"
                                         "Iteration 0, loss = 1\n")})  # fmt: skip
    assert "b: loss" in both["loss"]


def test_test_nets_are_told_apart() -> None:
    log = parse(a_log({"accuracy": 0.01}, nets=2))
    found = curves({"a": log}, "share")
    assert list(found) == ["accuracy, test net 0", "accuracy, test net 1"]
    for net, (line,) in enumerate(found.values()):
        np.testing.assert_allclose(
            line, [[i, 0.01 * i + net] for i in range(0, 60, 10)]
        )
    styles = {
        line.get_linestyle()
        for axis in draw({"a": log}).axes
        for line in axis.get_lines()
        if axis.get_ylabel() == "share"
    }
    assert len(styles) == 2


def test_the_total_loss_is_drawn_to_the_last_iteration() -> None:
    """Caffe shows nothing else of a run's last iteration."""
    found = curves({"a": parse(a_log(TESTS))}, "loss")
    (total,) = found["total loss"]
    np.testing.assert_allclose(
        total, [*([i, 6 - i / 10] for i in range(0, 60, 10)), [60, 0.5]]
    )
    assert found["loss"][0][-1].tolist() == [50, 2]
    assert draw({"a": parse(a_log(TESTS))}).axes[0].get_xlim()[1] > 60
    (rates,) = curves({"a": parse(a_log(TESTS))}, "learning rate")["a"]
    assert rates[-1].tolist() == [60, 0.01]


@pytest.mark.parametrize("count", [8, 25])
def test_many_curves_are_told_apart(count: int) -> None:
    """Where the colours begin anew, lines and dots are others."""
    trained = "\n".join(f"Train net output #{k}: a{k} = {k}" for k in range(count))
    tested = "\n".join(f"Test net output #{k}: b{k} = {k}" for k in range(count))
    log = parse(f"Iteration 0, Testing net (#0)\n{tested}\nIteration 0, loss = 1\n"
                f"{trained}\n")  # fmt: skip
    panel = next(a for a in draw({"a": log}).axes if a.get_ylabel() == "other outputs")
    looks = {
        (line.get_color(), str(line._dash_pattern), line.get_marker())
        for line in panel.get_lines()
    }
    assert len(looks) == len(panel.get_lines()) == 2 * count


NAMES = ["$\\frac{1", "a$b$c^", "_hidden", "\x1b[31mred\x07", "größe 车辆", "%s {x}"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_no_formulas(name: str, tmp_path: Path) -> None:
    text = a_log({"recall": 1}).replace("recall", name.replace(" ", "_"))
    logs = {name: parse(text), "other": parse(a_log({}))}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as of glyphs that the font lacks
        save(draw(logs), tmp_path / "a.svg")
        save(draw({name: logs[name]}), tmp_path / "one.png")
    shown = [entry for panel in legends(logs).values() for entry in panel]
    assert all("\x1b" not in entry and "\x07" not in entry for entry in shown)
    assert any(entry.startswith(name[:1].replace("\x1b", "\\x1b")) for entry in shown)


def test_rows_without_a_time_are_left_out_over_seconds() -> None:
    text = a_log({}).replace("I1129 01:00:20", "I1329 01:00:20")
    lines = [
        line.get_xydata()
        for axis in draw({"a": parse(text)}, x="seconds").axes
        for line in axis.get_lines()
        if line.get_label() == "loss"
    ]
    assert [x for x, _ in lines[0]] == [0, 10, 30, 40, 50]
    with pytest.raises(InputError, match="lines have no time"):
        draw({"a": parse(text), "b": parse("Iteration 0, loss = 1")}, x="seconds")


def test_the_report_draws_the_same() -> None:
    section = training_section({"ccl": parse(a_log(TESTS))})
    (figure,) = [block for block in section.blocks if isinstance(block, Figure)]
    for name in ("accuracy_top1", "accuracy_top5", "recall", "total loss"):
        assert f">{name}<" in figure.svg
    assert "total loss" in figure.alt


def test_plot_training_follows_over_garbled_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(
        "I1329 25:61:61.0 1 s.cpp:1] Iteration 0, loss = 1\n" + a_log(TESTS)
        + "\nI1129 01:01:00.000001 1 s.cpp:1] Optimization Done.\n"
    )  # fmt: skip
    done = run_tool(
        "plot_training.py", path, "--output", tmp_path / "c.png", "--follow"
    )
    assert done.returncode == 0, done.stderr
    assert "iteration 60, done" in done.stdout


def test_numbers_of_any_size_can_be_drawn(tmp_path: Path) -> None:
    """What is no float of Caffe's is marked as what is not finite is."""
    log = parse(
        "Iteration 0, loss = 1e308\nTrain net output #0: a = -1e308\n"
        "Iteration 20, loss = -3e38\nTrain net output #0: a = 3e38\n"
        "Iteration 20, lr = 1e-300\nIteration 999999999999999999, loss = 1e-320\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for smooth in (1, 3, 10**12):
            save(draw({"a": log}, smooth=smooth), tmp_path / "a.png")
    found = curves({"a": log}, "loss")
    assert found["total loss NaN or infinite"][0].tolist() == [[0, 1]]
    assert np.isnan(found["total loss"][0][0, 1])


def test_a_value_between_two_that_are_missing_is_a_dot() -> None:
    values = ("1", "nan", "3", "nan", "5", "6")
    lines = [f"Iteration {k}, loss = {v}" for k, v in enumerate(values)]
    log = parse("\n".join(lines))
    (panel, _) = draw({"a": log}).axes
    line = next(x for x in panel.get_lines() if x.get_label() == "total loss")
    assert line.get_markevery() == [0, 2] and line.get_marker() == "."


def test_long_names_and_long_legends_leave_room(tmp_path: Path) -> None:
    outputs = "\n".join(
        f"Train net output #{k}: {'x' * 300}{k} = {k}" for k in range(90)
    )
    log = parse(f"Iteration 0, loss = 1\n{outputs}\nIteration 5, loss = 2\n{outputs}\n")
    logs = {"b" * 200: log, "c" * 200: log}
    figure = draw(logs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # where the panels have no room left
        save(figure, tmp_path / "a.png")
    assert all(axis.get_position().width > 0.25 for axis in figure.axes)
    entries = legends(logs)["other outputs"]
    assert entries[-1] == "and 121 more" and len(entries) == 60
    short = "x" * 24 + "..." + "x" * 11
    assert entries[11] == f"{'b' * 24}...{'b' * 13}: {short}11"
