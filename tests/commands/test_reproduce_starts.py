"""The chain with other starts: the paper's form, a softmax's weights, photographs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import result_rows
from commands import ROOT, run_tool, succeed

from pydrdl import paper
from pydrdl.commands.reproduce import _conditions
from pydrdl.datasets import Image
from pydrdl.errors import InputError
from pydrdl.lmdb.build import build_image_lmdb
from pydrdl.reproduce import setting, tables
from pydrdl.reproduce.chain import Chain
from pydrdl.reproduce.steps import Step

PHOTOGRAPHS = Path("photographs")
MODEL = "models/demo_softmax/demo_softmax.caffemodel"


def chain(start: str = "", **changes: Any) -> Chain:
    chosen = replace(setting.larger(Path("w"), Path("t")), **changes)
    if start == "pretrained":
        chosen = replace(chosen, start=chosen.pretrained)
    return Chain(chosen)


def by_name(collected: Chain) -> dict[str, Step]:
    steps = {step.name: step for step in collected.steps}
    assert len(steps) == len(collected.steps)
    outputs = {step.output for step in collected.steps}
    assert len(outputs) == len(steps)
    return steps


def value(step: Step, option: str) -> str:
    return step.command[step.command.index(option) + 1]


def test_every_target_shares_one_folder_with_every_start() -> None:
    names: dict[str, Step] = {}
    for start in ("", "pretrained"):
        collected = chain(start, photographs=PHOTOGRAPHS, seeds=(1, 2))
        results = [getattr(collected, target)() for target in tables.TABLES]
        collected.report([*results[1].values()], "command")
        before: set[str] = set()
        for name, step in by_name(collected).items():
            assert set(step.after) <= before, name
            before.add(name)
            # One name is one step, whatever the others start from.
            assert names.setdefault(name, step) == step, name


def test_a_pretrained_chain_starts_nets_of_the_papers_form() -> None:
    collected = chain("pretrained")
    collected.table6()
    steps = by_name(collected)
    nets = steps["nets/pretrained/seed1"]
    assert nets.command[-3:] == ("--no-batch-norm", "--dropout", "0.5")
    # Five times the demo's, and eight steps of the rate as in Sec. 3.4.
    assert (value(nets, "--max-iter"), value(nets, "--stepsize")) == ("1600", "200")
    assert value(steps["render"], "--vehicles") == "1500"
    start = steps["start/mixed_difference/pretrained/seed1"]
    assert start.command[2] == MODEL
    train = steps["train/mixed_difference/pretrained/seed1"]
    assert value(train, "--weights") == str(start.output)
    assert (
        steps["pretrained/cmc/test_800"].output.name == "pretrained_cmc_test_800.json"
    )


def test_ablations_keep_the_margin_of_raw_features_to_where_it_fits() -> None:
    """It is that of batch normalisation's; another length would end in NaN."""
    raw = "train/mixed_difference/no_normalize_128/seed1"
    for start in ("", "pretrained"):
        collected = chain(start)
        collected.ablations()
        trained = [name for name in by_name(collected) if name.startswith("train/")]
        assert len(trained) == (16 if start == "" else 15)
        assert (raw in trained) == (start == "")


def test_the_softmax_learns_models_of_another_world_and_loses_its_classifier() -> None:
    collected = chain()
    results = collected.softmax()
    steps = by_name(collected)
    assert value(steps["world_render"], "--seed") == "3"
    assert value(steps["heldout_render"], "--seed") == "2"
    trained = steps["train/world_vgg_softmax/lrn/seed1"]
    assert "lmdb/world_train_labelled" in trained.after
    kept = steps["softmax"]
    assert kept.command[1] == "t/init_weights.py"
    assert kept.command[3].endswith("vgg_softmax/deploy.prototxt")
    assert "vgg_softmax_iter_3200" in kept.command[2]
    judged = next(s for s in collected.steps if s.output == results["Large MAP"])
    assert all("heldout" in word for word in judged.command if word.endswith(".h5"))


def test_gradients_are_those_of_one_branch_from_both_starts() -> None:
    collected = chain(seeds=(1, 2, 3, 4))
    results = collected.gradients()
    assert list(results)[:2] == ["Large rank-1", "Large MAP"]
    steps = by_name(collected)
    trained = [name for name in steps if name.startswith("train/")]
    assert len(trained) == 2 * 2 * 3 * 3 == len(results) - 2
    raw = steps["nets/pretrained/paper_gradient_raw_300/seed3"]
    assert raw.command[-10:] == (
        "--no-batch-norm", "--dropout", "0.5", "--gradient", "PAPER",
        "--no-normalize", "--margin", "300", "--base-lr", "3.3e-05",
    )  # fmt: skip
    logs = [path for path in results.values() if path.suffix == ".log"]
    assert all(log.parent in {step.output for step in collected.steps} for log in logs)


def test_growth_doubles_the_vehicles_and_keeps_models_and_judges() -> None:
    collected = chain("pretrained", seeds=(1,))
    assert list(collected.growth()) == ["400", "800", "1200", "1600"]
    steps = by_name(collected)
    for vehicles in (300, 600, 1200, 2400):
        drawn = steps[f"vehicles{vehicles}_render"].command
        # The last of an option counts.
        assert drawn[-2:] == ("--vehicles", str(vehicles))
        assert value(steps[f"vehicles{vehicles}_render"], "--models") == "50"
    judged = steps["pretrained/growth/1600"]
    assert len(judged.after) == 3 * 4
    assert all("w/heldout" in steps[name].command for name in judged.after)


def test_growth_of_a_handful_begins_with_a_handful(tmp_path: Path) -> None:
    small = Chain(setting.mini(tmp_path, ROOT / "tools"))
    assert list(small.growth()) == ["2", "4"]
    steps = by_name(small)
    drawn = [name for name in steps if name.startswith("vehicles") and "render" in name]
    assert [value(steps[name], "--vehicles") for name in drawn] == [
        "24", "48", "96", "192",
    ]  # fmt: skip


def test_the_papers_own_net_is_the_committed_one(tmp_path: Path) -> None:
    """But for where data lies and how long it lasts, and it starts from a softmax."""
    own = replace(setting.full(Path("w"), ROOT / "tools"), iterations=300, snapshot=100)
    collected = Chain(own)
    results = collected.paper_net()
    steps = by_name(collected)
    assert [path.name for path in results.values()] == ["caffe.log"] * 2
    train = steps["train/few_mixed_difference/softmax/seed1"]
    started = steps["start/few_mixed_difference/softmax/seed1"]
    assert value(train, "--weights") == str(started.output)
    assert "train/few_world_vgg_softmax/seed1" in started.after
    assert value(steps["few_render"], "--models") != (
        value(steps["few_world_render"], "--models")
    ), "the classifier stays behind"

    nets = steps["few_nets/softmax/seed1"]
    lmdb = tmp_path / value(nets, "--train")
    assert value(steps["lmdb/few_train"], "--size") == "256"
    images = [Image("0.png", n, n % 100) for n in range(100)]
    assert cv2.imwrite(str(tmp_path / "0.png"), np.zeros((256, 256, 3), np.uint8))
    lmdb.parent.mkdir()
    build_image_lmdb(images, tmp_path, lmdb, size=None)
    succeed(Path(nets.command[1]).name, *nets.command[2:], cwd=tmp_path)
    made = tmp_path / "w/few_nets/softmax/seed1/mixed_difference"

    def other(ours: Path, committed: str) -> set[str]:
        """The names of the fields whose lines differ."""
        lines = [p.read_text().splitlines() for p in (ours, ROOT / committed)]
        changed = set(lines[0]) ^ set(lines[1])
        return {x.split(":")[0].strip() for x in changed if not x.startswith("#")}

    assert other(made / "solver.prototxt", "prototxt/solver.prototxt") == {
        "max_iter", "net", "snapshot", "snapshot_prefix",
    }  # fmt: skip
    committed = "prototxt/mixed_difference/train_val.prototxt"
    assert other(made / "train_val.prototxt", committed) == {"source", "num_output"}


def test_heads_are_told_over_a_training(tmp_path: Path) -> None:
    log = tmp_path / "caffe.log"

    def write(iterations: int) -> None:
        log.write_text(
            "".join(
                f"I1129 10:00:00.000000 7 solver.cpp:1] Iteration {n}, loss = 1\n"
                f"I1129 10:00:00.000000 7 solver.cpp:2]     Train net output #0: "
                f"model_loss = {5 - n / 100}\n"
                for n in range(0, iterations, 20)
            )
            + "I1129 10:00:00.000000 7 solver.cpp:1] Iteration 201, loss = 1\n"
        )

    write(201)
    table = tables.paper_net({"a": log})
    assert table.columns == ("first", *(f"to {n} %" for n in (20, 40, 60, 80, 100)))
    (row,) = table.rows.items()
    assert row[0] == "a: model_loss"
    means = [cell.mean for cell in row[1]]
    assert means == pytest.approx([5, 4.7, 4.3, 3.9, 3.5, 3.1])
    write(81)
    with pytest.raises(InputError, match="5 rows with losses are too few"):
        tables.paper_net({"a": log})


def test_photographs_are_tested_in_folds_that_nothing_was_trained_on() -> None:
    collected = chain(photographs=PHOTOGRAPHS)
    assert list(collected.photographs()) == [f"fold {n}" for n in range(1, 6)]
    steps = by_name(collected)
    lists = steps["lists/fold2"]
    assert (value(lists, "--folds"), value(lists, "--fold")) == ("5", "2")
    built = steps["lmdb/fold2_all"]
    assert built.command[2].endswith("fold2/train.txt")
    assert value(built, "--root") == str(PHOTOGRAPHS)
    judged = steps["photographs/fold2"]
    assert value(judged, "--gallery-camera") == "1"
    assert len(judged.after) == 3 * 4 + 4 + 2
    for name in judged.after:
        assert steps[name].command[2].endswith("fold2/test.txt")
    # What only saw drawings is the same net in every fold.
    alone = steps["features/ccl/pretrained/seed1/fold2_test_all"]
    assert "train/ccl/pretrained/seed1" in alone.after
    assert "features/ccl/seed1/fold2_test_all" in judged.after
    untrained = steps["features/fold2_ccl/lrn/untrained/seed2/fold2_test_all"]
    assert value(untrained, "--untrained") == "2"
    assert not any(name.startswith("train/") for name in untrained.after)
    trained = steps["train/fold2_ccl/vehicles/seed2"]
    started = steps["start/fold2_ccl/vehicles/seed2"]
    assert value(trained, "--weights") == str(started.output)
    assert "train/ccl/pretrained/seed1" in started.after
    assert started.command[-1] == "--skip-mismatch"
    assert value(steps["fold2_nets/vehicles/seed2"], "--max-iter") == "600"


def test_changes_are_chosen_on_other_folds_than_they_are_reported_on() -> None:
    collected = chain(photographs=PHOTOGRAPHS)
    assert list(collected.generalisation()) == [f"fold {n}" for n in range(1, 6)]
    steps = by_name(collected)
    judged = steps["generalisation/fold4"]
    assert len(judged.after) == judged.command.count("--name") == 9
    sizes = {
        name: value(step, "--size")
        for name, step in steps.items()
        if name.startswith("lmdb/fold4")
    }
    assert sizes == {
        "lmdb/fold4_all": "72",
        "lmdb/fold4_side_54_all": "54",
        "lmdb/fold4_side_108_all": "108",
    }
    larger = steps["fold4_side_108_nets/side_108/seed4"]
    assert value(larger, "--crop") == "96"
    assert value(larger, "--train").endswith("fold4_side_108_all_lmdb")
    longer = steps["fold4_nets/longer/seed4"]
    assert (value(longer, "--max-iter"), value(longer, "--stepsize")) == ("1200", "150")
    both = steps["fold4_nets/drawn/longer/seed4"]
    assert value(both, "--max-iter") == "1200"
    # From drawn vehicles, with batch normalisation as they were learned.
    drawn = steps["start/fold4_ccl/drawn/seed4"]
    assert "train/ccl/seed1" in drawn.after
    assert "--no-batch-norm" not in steps["fold4_nets/drawn/seed4"].command
    assert "--no-batch-norm" not in steps["nets/seed1"].command


def test_the_folds_to_choose_by_stand_apart(tmp_path: Path) -> None:
    files = {}
    for fold in range(1, 6):
        curve = [fold / 10] * 4 + [0.6 + fold / 100] * 45 + [1.0]
        row = result_rows.cmc_row(f"not mirrored, seed {fold}", curve)
        files[f"fold {fold}"] = result_rows.write(tmp_path / f"{fold}.json", "cmc", row)
    table = tables.generalisation(files)
    assert table.columns == (
        "choosing rank-1", "choosing rank-5", "reporting rank-1", "reporting rank-5",
    )  # fmt: skip
    cells = [cell.values for cell in table.rows["not mirrored"]]
    assert cells == [(0.1, 0.2, 0.3), (0.61, 0.62, 0.63), (0.4, 0.5), (0.64, 0.65)]


def test_the_gradients_table_tells_a_collapse_by_the_last_rows_of_logs(
    tmp_path: Path,
) -> None:
    cmc = result_rows.write(
        tmp_path / "cmc.json",
        "cmc",
        *(result_rows.cmc_row(f"{row}, seed 1", [0.4] * 5) for row in ("a", "b")),
    )
    logs = {f"{row}, seed 1": tmp_path / f"{row}.log" for row in ("a", "b")}
    for far, log in zip((0.8, 0.001), logs.values(), strict=True):
        log.write_text(
            "".join(
                f"I1129 10:00:{n:02}.000000 7 solver.cpp:1] Iteration {n}, loss = 1\n"
                f"I1129 10:00:{n:02}.000000 7 solver.cpp:2]     Train net output #0: "
                f"ccl_d_neg = {far if n > 4 else 9}\n"
                f"I1129 10:00:{n:02}.000000 7 solver.cpp:2]     Train net output #1: "
                f"ccl_d_pos = {n}\n"
                for n in range(10)
            )
            # What a training that has come to its end prints behind them.
            + "I1129 10:01:00.000000 7 solver.cpp:3] Iteration 10, loss = 1\n"
        )
    table = tables.gradients({"Large rank-1": cmc} | logs)
    assert table.columns == ("Large rank-1", "d pos", "d neg")
    found = {row: [cell.mean for cell in cells] for row, cells in table.rows.items()}
    assert found == {"a": [0.4, 7, pytest.approx(0.8)], "b": [0.4, 7, 0.001]}
    text = logs["b, seed 1"].read_text()
    logs["b, seed 1"].write_text(text.replace("ccl_d_neg", "ccl_loss"))
    with pytest.raises(InputError, match="no ccl_d_pos and ccl_d_neg at the end"):
        tables.gradients({"Large rank-1": cmc} | logs)


def test_folds_of_photographs_are_trainings_of_a_method(tmp_path: Path) -> None:
    files = {}
    for fold, top in ((1, 0.2), (2, 0.6)):
        curve = [top, top, top, top, 0.7, *([0.8] * 44), 1.0]
        row = result_rows.cmc_row(f"{paper.VGG_CCL}, seed {fold}", curve)
        files[f"fold {fold}"] = result_rows.write(tmp_path / f"{fold}.json", "cmc", row)
    table = tables.photographs(files)
    assert table.columns == ("rank-1", "rank-5", "rank-10")
    cells = table.rows[paper.VGG_CCL]
    assert [cell.values for cell in cells] == [(0.2, 0.6), (0.7, 0.7), (0.8, 0.8)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("photographs",), "the target photographs needs it: their folder"),
        (("generalisation",), "the target generalisation needs it: their folder"),
        (("generalisation", "--start", "lrn"), "starts of their own"),
        (("table6", "--start", "lrn", "--weights", "w"), "are two starts; give one"),
        (("table6", "--start", "lrn", "--preset", "paper"), "is for the small nets"),
        (("growth", "--preset", "paper"), "growth: of small nets only"),
        (
            ("growth", "table6", "--data", "V"),
            "growth: they have drawn vehicles of their own",
        ),
        (("paper_net", "--data", "V"), "they have drawn vehicles of their own"),
        (("paper_net", "--seeds", "2"), "paper_net: they have seeds of their own"),
        (("photographs", "--photographs", ".", "--iterations", "9"), "iterations of"),
        (("table6", "gradients", "--preset", "paper"), "gradients: of small nets only"),
        (("photographs", "--photographs", ".", "--preset", "paper"), "of small nets"),
        (("table6", "--start", "imagenet"), "Invalid value for '--start'"),
        (("gradients", "--start", "lrn"), "starts of their own"),
        (("softmax", "--weights", "w"), "starts of their own"),
        (("heldout", "--data", "V"), "heldout: they have drawn vehicles of their own"),
        (("table6", "--photographs", "."), "table6 needs no photographs"),
        (("table6", "--compcars", "."), "table6 needs no CompCars"),
        (("table3", "--data", "V"), "table3 needs no VehicleID"),
        (("table6", "--classifier-rate", "1"), "table6 has no such classifiers"),
        (("table6", "--gpu", "x"), "Invalid value for '--gpu'"),
        (("table6", "--gpu", ""), "is a variable of the shell unset?"),
        (("table6", "--list", "--json", "f"), "nothing is computed"),
    ],
)
def test_a_start_that_cannot_be_is_wrong_use(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = run_tool("reproduce.py", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("photographs", "photographs by two cameras, 5 folds over vehicles"),
        ("generalisation", "nets of preset demo; 600 iterations."),
        ("gradients", "(--no-batch-norm --dropout 0.5) from random weights and from "
         "pretrained ones; 1,600 iterations"),
        ("paper_net", "from a softmax's weights; 1,600 iterations"),
        ("table6", "nets of preset demo from random weights"),
    ],
)  # fmt: skip
def test_conditions_are_the_targets(asked: str, said: str) -> None:
    assert said in _conditions(setting.larger(Path("w"), Path("t")), {asked})


def test_a_gpu_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    done = run_tool("reproduce.py", "table6", "--gpu", "99", cwd=tmp_path)
    assert done.returncode == 1 and "error: no GPU 99: " in done.stderr
    assert list(tmp_path.iterdir()) == []
