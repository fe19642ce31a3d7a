"""The chain behind the tables: its steps, its numbers, and that it can be killed."""

import io
import json
import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import result_rows
from commands import STDOUT, Job, run_tool, start, tool
from rich.console import Console
from scipy import stats

from pydrdl import paper
from pydrdl.errors import InputError
from pydrdl.reproduce import setting, tables
from pydrdl.reproduce.chain import Chain
from pydrdl.reproduce.setting import STRUCTURES
from pydrdl.reproduce.steps import Step

METHODS = list(STRUCTURES)
HANGS = 1800  # seconds; a busy machine is slow
TOOL = tool("reproduce.py")


def test_a_chain_is_in_an_order_that_can_be_run() -> None:
    chain = Chain(setting.demo(Path("w"), Path("tools")))
    chain.table4()
    chain.table6()
    chain.report([*chain.table3().values(), *chain.fig10().values()], "command")
    chain.ablations()
    chain.heldout()
    chain.convergence()
    before: set[str] = set()
    for step in chain.steps:
        assert set(step.after) <= before, step.name
        before.add(step.name)
    assert len(before) == len(chain.steps)
    outputs = [step.output for step in chain.steps]
    assert len(set(outputs)) == len(outputs)
    assert all(output.is_relative_to("w") for output in outputs)
    # What a command reads, a step before it has made.
    made = {str(output) for output in outputs}
    for step in chain.steps:
        words = {word.rsplit("=", 1)[-1] for word in step.command}
        reads = {m for m in made for w in words if Path(w).is_relative_to(m)}
        reads -= {str(step.output)}
        assert reads <= {str(s.output) for s in behind(step, chain)}, step.name


def test_a_net_that_others_wait_for_is_trained_on_all_cores() -> None:
    chain = Chain(setting.full(Path("w"), Path("tools")))
    assert chain.nets_at_a_time() == 1
    chain.paper_net()
    assert [s.name for s in chain.steps if s.name.startswith("train/")] == [
        "train/few_world_vgg_softmax/seed1",
        "train/few_mixed_difference/softmax/seed1",
    ]
    assert chain.nets_at_a_time() == 1
    chain = Chain(setting.demo(Path("w"), Path("tools")))
    chain.table6()
    assert chain.nets_at_a_time() == len(METHODS)


def behind(step: Step, chain: Chain) -> list[Step]:
    """All steps that a step comes after, near and far."""
    direct = [s for s in chain.steps if s.name in step.after]
    return direct + [far for near in direct for far in behind(near, chain)]


def test_pretrained_weights_start_both_branches_but_not_googlenet() -> None:
    start = setting.Start("", weights=Path("VGG.caffemodel"))
    chosen = replace(setting.demo(Path("w"), Path("t")), start=start)
    chain = Chain(chosen)
    chain.fig10()
    steps = {step.name: step for step in chain.steps}
    start = steps["start/mixed_difference/seed1"]
    assert start.command[1:3] == ("t/init_weights.py", "VGG.caffemodel")
    assert start.files == (Path("VGG.caffemodel"),)
    train = steps["train/mixed_difference/seed1"]
    assert start.name in train.after
    assert train.command[1:4] == ("t/train.py", "--output", str(train.output))
    assert train.command[-2:] == ("--weights", str(start.output))
    assert "--weights" not in steps["train/googlenet_softmax/rate_0.1/seed1"].command
    # What chains of earlier versions ran: they go on.
    solver = "w/nets/seed1/mixed_difference/solver.prototxt"
    caffe = ("caffe", "train", "--solver", solver, "--weights", str(start.output))
    assert train.known_as == caffe


def test_both_tables_share_what_they_need() -> None:
    one, both = (Chain(setting.demo(Path("w"), Path("tools"))) for _ in range(2))
    one.table6()
    both.table6()
    both.table4()
    extra = {s.name for s in both.steps} - {s.name for s in one.steps}
    assert extra == {f"map/test_{n}" for n in (50, 100, 200)}


def test_ablations_change_one_thing_of_a_method_and_keep_its_seeds() -> None:
    chain = Chain(replace(setting.demo(Path("w"), Path("t")), seeds=(1, 2, 3, 4)))
    chain.table6()
    own = {step.name for step in chain.steps}
    results = chain.ablations()
    assert list(results)[:3] == ["Small rank-1", "Small MAP", "Medium rank-1"]
    steps = {step.name: step for step in chain.steps if step.name not in own}
    nets = [step for name, step in steps.items() if name.startswith("nets/")]
    assert {net.command[-2:] for net in nets} >= {
        ("--gradient", "CENTER_CONSTANT"),
        ("--margin", "0.5"),
        ("--hard-negatives", "0.5"),
    }
    trained = [name for name in steps if name.startswith("train/")]
    assert "train/mixed_difference/wide_fc8/seed3" in trained
    assert not any("seed4" in name for name in trained)
    # The methods as they are come from the trainings of the tables.
    first = steps["ablations/cmc_test_50"]
    assert "features/triplet/seed1/test_50" in first.after
    words = first.command
    names, seeds = (
        [words[i + 1] for i, word in enumerate(words) if word == option]
        for option in ("--name", "--training-seed")
    )
    rows = list(zip(names, seeds, strict=True))
    assert (f"{paper.MIXED_CCL}, centre held fixed", "2") in rows


def test_heldout_vehicles_are_others_than_margin_and_gradient_were_chosen_on() -> None:
    chosen = replace(setting.demo(Path("w"), Path("t")), seeds=(1, 2, 3, 4))
    chain = Chain(chosen)
    chain.table6()
    known = {step.name for step in chain.steps}
    assert list(chain.heldout())[:2] == ["Small rank-1", "Small MAP"]
    steps = {step.name: step for step in chain.steps}
    assert steps["heldout_render"].command[-2:] == ("--seed", "2")
    judged = steps["heldout/cmc_test_50"]
    assert len(judged.after) == 3 * 4
    for name in judged.after:
        # Learnt from the vehicles that all learn from, tested on others.
        assert "w/heldout" in steps[name].command
        (trained,) = (a for a in steps[name].after if a.startswith("train/"))
        assert "lmdb/train" in steps[trained].after
        assert trained in known
    given = Chain(replace(chosen, data=Path("VehicleID")))
    given.heldout()
    assert not any(step.name.startswith("heldout_") for step in given.steps)


def test_convergence_takes_every_snapshot_and_the_trained_nets_once() -> None:
    chain = Chain(setting.demo(Path("w"), Path("t")))
    chain.table6()
    assert list(chain.convergence()) == ["50", "100", "150", "200", "250", "300"]
    steps = {step.name: step for step in chain.steps}
    halfway = steps["features/ccl/seed1/iter_150/test_200"]
    assert "w/runs/ccl_seed1/ccl_iter_150.caffemodel" in halfway.command
    assert "features/ccl/seed1/test_200" in steps["convergence/300"].after
    assert len([name for name in steps if name.startswith("train/")]) == 3


def test_table_3_learns_car_models_and_takes_its_threshold_from_part_2() -> None:
    chosen = replace(setting.demo(Path("w"), Path("t")), seeds=(1, 2))
    chain = Chain(replace(chosen, compcars=Path("CompCars")))
    results = chain.table3()
    assert set(results) == set(paper.TABLE_3)
    steps = {step.name: step for step in chain.steps}
    assert not any("VehicleID" in word for s in chain.steps for word in s.command)
    assert "compcars_render" not in steps
    # Cars from all sides take longer to learn, to the last weights' name.
    nets = steps["compcars_nets/seed2"].command
    assert nets[nets.index("--max-iter") + 1] == "600"
    assert "triplet_iter_600.caffemodel" in str(
        steps["features/compcars_triplet/seed2/part3"].command
    )
    # The softmax tells car models; the mixed difference net's tells makes.
    as_models = "--vehicles-as-models"
    assert as_models in steps["lmdb/compcars_part1_models"].command
    assert as_models not in steps["lmdb/compcars_part1"].command
    assert "lmdb/compcars_part1" in steps["train/compcars_mixed_difference/seed2"].after
    for row, kind in ((paper.GOOGLENET_SVM, "svm"), (None, "distances")):
        judged = next(
            s for s in chain.steps if s.name.startswith(f"verification/{kind}")
        )
        words = judged.command
        pairs = [words[i + 1] for i, word in enumerate(words) if word == "--pairs"]
        folder = "CompCars/train_test_split/verification/verification_pairs_"
        assert pairs == [f"{folder}{level}.txt" for level in ("easy", "medium", "hard")]
        assert words[words.index("--train") + 1].endswith("_part2.h5")
        assert row is None or results[row] == judged.output


def test_table_3_of_the_larger_preset_is_of_more_car_models_than_fig_10() -> None:
    larger = setting.larger(Path("w"), Path("t"))
    chain = Chain(larger)
    chain.table3()
    chain.fig10()
    steps = {step.name: step.command for step in chain.steps}
    assert steps["carmodels_render"][2:7] == (
        "w/CarModels", "--preset", "demo", "--models", "300",
    )  # fmt: skip
    assert steps["compcars_render"][2:] == ("w/CompCars", "--preset", "demo")
    judged = steps["verification/distances"]
    pairs = "w/CarModels/train_test_split/verification/verification_pairs_easy.txt"
    assert pairs in judged
    assert "w/runs/carmodels_triplet_seed1" in str(
        steps["features/carmodels_triplet/seed1/part2"]
    )
    # What was given is not drawn anew.
    given = Chain(replace(larger, compcars=Path("CompCars")))
    given.table3()
    assert not any("render_compcars" in str(step.command) for step in given.steps)


@pytest.mark.parametrize("name", ["demo", "larger"])
def test_classifiers_with_random_weights_have_a_rate_of_their_own(name: str) -> None:
    def rates(chosen: setting.Setting) -> dict[str, str]:
        chain = Chain(chosen)
        chain.table3()
        chain.fig10()
        nets = {s.name: s.command for s in chain.steps if "make_nets.py" in str(s)}
        return {
            folder: words[words.index("--base-lr") + 1]
            for folder, words in nets.items()
            if "--base-lr" in words
        }

    chosen = setting.PRESETS[name](Path("w"), Path("t"))
    models = chosen.car_models.prefix
    folders = {"softmax_nets/seed1", "compcars_softmax_nets/seed1"}
    folders |= {f"{models}softmax_nets/seed1"}
    assert rates(chosen) == dict.fromkeys(folders, "0.1")
    # VGG's softmax goes on from weights; GoogLeNet's never does.
    assert rates(replace(chosen, start=chosen.pretrained)) == dict.fromkeys(
        folders, "0.1"
    )
    assert rates(replace(chosen, classifier_rate=None)) == {}
    # From given weights VGG's softmax has the rate of all, in a folder of its own.
    given = replace(chosen, start=setting.Start("", weights=Path("VGG")))
    apart = {folder.replace("seed1", "rate_0.1/seed1") for folder in folders}
    assert rates(given) == dict.fromkeys(apart, "0.1")
    chain = Chain(given)
    chain.fig10()
    steps = {step.name: step for step in chain.steps}
    assert "softmax_nets/seed1" in steps["train/vgg_softmax/seed1"].after
    assert "softmax_nets/rate_0.1/seed1" in (
        steps["train/googlenet_softmax/rate_0.1/seed1"].after
    )


def test_the_report_of_table_3_alone_trains_no_nets_of_other_vehicles() -> None:
    chain = Chain(setting.demo(Path("w"), Path("t")))
    results = chain.table3()
    before = list(chain.steps)
    chain.report(results.values(), "command", of_vehicles=False)
    (step,) = chain.steps[len(before) :]
    words = step.command
    logs = [words[i + 1] for i, word in enumerate(words) if word == "--log"]
    assert logs == [
        f"{paper.VGG_TRIPLET}, seed 1=w/runs/compcars_triplet_seed1/caffe.log",
        f"{paper.MIXED_CCL}, seed 1=w/runs/compcars_mixed_difference_seed1/caffe.log",
        f"{paper.GOOGLENET_JB}, seed 1="
        "w/runs/compcars_googlenet_softmax_seed1/caffe.log",
    ]
    assert words[words.index("--data") + 1] == "w/CompCars"
    assert "--features" not in words and "--split" not in words
    assert {"train/compcars_triplet/seed1", "compcars_check"} <= set(step.after)


def test_table_3_beside_the_papers(tmp_path: Path) -> None:
    def write(name: str, rows: dict[str, list[float | None]]) -> Path:
        entries = (result_rows.verification_row(*row) for row in rows.items())
        return result_rows.write(tmp_path / name, "verification", *entries)

    svm = write("svm.json", {f"{paper.GOOGLENET_SVM}, seed 1": [0.7, 0.6, 0.5]})
    three = write(
        "three.json",
        {
            f"{paper.VGG_TRIPLET}, seed 1": [0.6, 0.6, 0.6],
            f"{paper.MIXED_CCL}, seed 1": [0.8, 0.7, 0.6],
            f"{paper.MIXED_CCL}, seed 2": [0.9, 0.7, 0.6],
        },
    )
    files = {paper.GOOGLENET_SVM: svm} | dict.fromkeys(
        (paper.VGG_TRIPLET, paper.MIXED_CCL), three
    )
    table = tables.table3(files)
    assert table.columns == ("easy", "medium", "hard")
    assert list(table.rows) == list(files)
    easy, _, hard = table.rows[paper.MIXED_CCL]
    assert (easy.values, easy.paper, hard.paper) == ((0.8, 0.9), 0.833, 0.703)
    # The paper's training of it did not converge.
    assert [cell.paper for cell in table.rows[paper.VGG_TRIPLET]] == [None] * 3
    with pytest.raises(InputError, match="no results of 'Mixed diff"):
        tables.table3({paper.MIXED_CCL: svm})
    for values in ([0.7, 0.6], [0.7, 0.6, None]):
        lacking = write("two.json", {f"{paper.MIXED_CCL}, seed 1": values})
        with pytest.raises(InputError, match="2 accuracies; expected 3"):
            tables.table3({paper.MIXED_CCL: lacking})


def test_fig_10_has_googlenet_of_compcars_judged_by_vehicleids_vehicles() -> None:
    chain = Chain(setting.demo(Path("w"), Path("t")))
    results = chain.fig10()
    assert len(results) == 6
    steps = {step.output: step for step in chain.steps}
    judged = steps[results[paper.COMPCARS_JB]]
    verifier = steps[Path(judged.command[judged.command.index("--verifier") + 1])]
    assert verifier.command[1:3] == ("t/train_verifier.py", "joint-bayesian")
    features = steps[Path(verifier.command[3])]
    assert features.command[2] == "w/VehicleID"
    assert "w/runs/compcars_googlenet_softmax_seed1" in str(features.command)


def test_tables_of_ablations_and_convergence(tmp_path: Path) -> None:
    plain, changed = paper.VGG_CCL, f"{paper.VGG_CCL}, margin 1"
    rates = {f"{plain}, seed 1": [0.4, 0.7], f"{changed}, seed 1": [0.3, 0.6]}
    cmc = write_cmc(tmp_path / "cmc.json", rates)
    entries = (result_rows.map_row(name, a / 2) for name, (a, _) in rates.items())
    maps = result_rows.write(tmp_path / "map.json", "map", *entries)
    table = tables.ablations({"Small rank-1": cmc, "Small MAP": maps})
    assert table.columns == ("Small rank-1", "Small MAP")
    values = {row: [cell.mean for cell in cells] for row, cells in table.rows.items()}
    assert values == {plain: [0.4, 0.2], changed: [0.3, 0.15]}
    table = tables.convergence({"50": cmc, "100": cmc})
    assert table.columns == ("50", "100")
    assert [cell.mean for cell in table.rows[changed]] == [0.3, 0.3]


def write_cmc(path: Path, curves: dict[str, list[float]]) -> Path:
    rows = (
        result_rows.cmc_row(name, [top1, top1, top1, top1, top5])
        for name, (top1, top5) in curves.items()
    )
    return result_rows.write(path, "cmc", *rows)


def test_table_6_beside_the_papers(tmp_path: Path) -> None:
    small = {
        f"{paper.VGG_CCL}, seed {seed}": [top1, 0.7]
        for seed, top1 in ((1, 0.40), (2, 0.42), (3, 0.47))
    } | {f"{paper.MIXED_CCL}, seed 1": [0.5, 0.8]}
    file = write_cmc(tmp_path / "small.json", small)
    table = tables.table6({"Small": file})
    assert table.columns == ("Small rank-1", "Small rank-5")
    top1, top5 = table.rows[paper.VGG_CCL]
    assert (top1.mean, top1.paper) == (pytest.approx(0.43), 0.436)
    assert (top5.mean, top5.paper) == (pytest.approx(0.7), 0.642)
    values = np.array([0.40, 0.42, 0.47])
    low, high = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
    assert top1.interval == pytest.approx((high - low) / 2, rel=1e-3)
    assert table.rows[paper.MIXED_CCL][0].interval is None


def test_a_difference_is_given_for_the_papers_data_only(tmp_path: Path) -> None:
    file = write_cmc(tmp_path / "small.json", {f"{paper.VGG_CCL}, seed 1": [0.4, 0.7]})
    table = tables.table6({"Small": file})
    for same_data in (False, True):
        shown = Console(width=80, file=io.StringIO(), highlight=False)
        shown.print(tables.render(table, same_data=same_data))
        text = shown.file.getvalue()  # type: ignore[attr-defined]
        assert ".400" in text and ".436" in text
        assert ("-.036" in text and "+.058" in text) is same_data


def test_a_table_of_six_columns_fits_a_terminal() -> None:
    names = [f"{split} rank-{rank}" for split in ("Medium", "Large") for rank in "123"]
    cells = tuple(tables.Cell((0.123, 0.987), 0.555) for _ in names)
    row = f"{paper.MIXED_CCL}, half of the negatives of its model"
    table = tables.PaperTable("Ablations", tuple(names), {row: cells})
    shown = Console(width=80, file=io.StringIO(), highlight=False)
    shown.print(tables.render(table, same_data=True))
    text = shown.file.getvalue()  # type: ignore[attr-defined]
    assert "\u2026" not in text
    assert [text.count(number) for number in (".555", "rank-3")] == [12, 2]


def test_tables_survive_json(tmp_path: Path) -> None:
    file = write_cmc(tmp_path / "a.json", {f"{paper.VGG_CCL}, seed 1": [0.4, 0.75]})
    table = tables.table6({"Small": file})
    text = json.dumps(tables.to_json([table], conditions="few"))
    assert tables.from_json(json.loads(text)) == [table]
    assert tables.markdown(table).splitlines() == [
        "|  | Small rank-1 | Small rank-5 |",
        "| --- | ---: | ---: |",
        "| VGG + CCL | .400 | .750 |",
        "| *paper* | .436 | .642 |",
    ]
    with pytest.raises(InputError, match="expected"):
        tables.from_json({"schema": "drdl.cmc/1"})


@pytest.mark.parametrize("trainings", [2, 3, 5, 10, 30])
def test_the_interval_is_students(trainings: int) -> None:
    values = np.random.default_rng(trainings).random(trainings)
    low, high = stats.t.interval(0.95, trainings - 1, values.mean(), stats.sem(values))
    half = tables.Cell(tuple(values), None).interval
    assert half == pytest.approx((high - low) / 2, rel=0.05 if trainings > 10 else 1e-3)


def test_results_of_another_kind_are_refused(tmp_path: Path) -> None:
    file = write_cmc(tmp_path / "cmc.json", {})
    with pytest.raises(InputError, match=r"not of schema 'drdl\.map/1'"):
        tables.table4({"Small": file})
    with pytest.raises(InputError, match="cannot read the results"):
        tables.table6({"Small": tmp_path / "none.json"})


def test_list_shows_commands_and_runs_none(tmp_path: Path) -> None:
    done = run_tool("reproduce.py", "table6", "--seeds", 2, "--list", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = [line.split(":")[0] for line in done.stdout.splitlines()]
    assert names[:3] == ["render", "check", "lmdb/train"]
    assert "train/mixed_difference/seed2" in names and "cmc/test_200" in names
    assert list(tmp_path.iterdir()) == []


def reproduce(folder: Path) -> Job:
    folder.mkdir(exist_ok=True)
    with (folder / "out").open("wb") as out:
        return start(
            *TOOL, "table6", "--preset", "mini", "--work", "w",
            cwd=folder, stdout=out, stderr=STDOUT, session=True,
            # One thread, so that sums have one order.
            OPENBLAS_NUM_THREADS="1",
        )  # fmt: skip


def results(folder: Path) -> list[Any]:
    content = json.loads((folder / "w/results/cmc_test_12.json").read_text())
    return [
        (r["name"], r["features"]["sha256"], r["cmc"]["mean"])
        for r in content["results"]
    ]


@pytest.mark.caffe
@pytest.mark.slow
def test_killed_anywhere_it_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    straight = reproduce(tmp_path / "straight")
    assert straight.wait(HANGS) == 0, (tmp_path / "straight/out").read_text()
    steps = len(list((tmp_path / "straight/w/steps").rglob("*.json")))
    chance, folder = random.Random(1), tmp_path / "killed"
    for begun in range(1, steps + 1, 3):
        running = reproduce(folder)
        # As soon as so many steps have begun, and a moment more.
        while running.poll() is None and _begun(folder) < begun:
            time.sleep(0.01)
        time.sleep(chance.random())
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert reproduce(folder).wait(HANGS) == 0, (folder / "out").read_text()
    assert results(folder) == results(tmp_path / "straight")
    text = (folder / "out").read_text()
    assert all(method in text for method in METHODS)
    assert not list((folder / "w").rglob("*.partial"))


def _begun(folder: Path) -> int:
    return len(list((folder / "w/steps").rglob("*.json")))
