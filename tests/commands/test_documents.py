"""The documents' tables and numbers are those of benchmarks/document_tables.py."""

import json
import platform
import re
import shutil
import statistics
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import result_rows
from commands import ROOT, Done, run

sys.path.append(str(ROOT / "benchmarks"))
import document_tables
import documents
import measured
import rates
import sentences
import tables_of_benchmarks
import tables_of_nets
import tables_of_rates
from document_tables import DOCUMENTS, SENTENCES, TABLES, made_anew

from pydrdl import paper
from pydrdl.errors import InputError
from pydrdl.reproduce.setting import STRUCTURES
from pydrdl.results import read_results
from pydrdl.results.result import Reidentification

MARKED = [
    pytest.param(table, id=f"{name}: {table.name}")
    for name in DOCUMENTS
    for table in documents.tables((ROOT / name).read_text(), name)
]
MACHINE = {
    "cpu": "Some CPU", "virtual": True, "cores": 2, "system": "Debian 12",
    "load": 0.25, "libraries": {"NumPy": "2.4.6"},
}  # fmt: skip
RENDER = {
    "schema": "drdl.bench_render/2", "command": "python benchmarks/render.py",
    "machine": MACHINE, "size": 256, "workers": 2, "images": 1260, "wanted": 150.0,
    "images_per_second": [140.0, 100.0, 300.0], "with_start": [100.0, 90.0, 110.0],
    "ms_per_image": {"drawing": 7.04},
}  # fmt: skip
# Its checks in the source are counted by hand; cells that are sentences.
UNMARKED = ("docs/testing.md", "docs/choices.md")
RENDER_ROWS = """\
|  | median | of the rounds | wanted |
| --- | ---: | ---: | ---: |
| images/s while all processes work | 140 | 100 to 300 | 150: missed |
| images/s of the whole command, start included | 100 | 90 to 110 |  |
| ms of processor time an image, drawing | 7.0 |  |  |
"""


@pytest.mark.parametrize("marked", MARKED)
def test_a_table_is_what_its_results_make(marked: documents.Marked) -> None:
    """One that was typed in has no results yet, else it would come out otherwise."""
    assert made_anew(marked, ROOT / "docs") == marked


@pytest.mark.parametrize("name", [n for n in DOCUMENTS if n not in UNMARKED])
def test_no_figure_stands_in_another_table(name: str) -> None:
    assert documents.figures_outside((ROOT / name).read_text()) == []


def test_every_committed_result_is_in_a_document() -> None:
    shown = {param.values[0].name for param in MARKED}
    for name, table in TABLES.items():
        if all((ROOT / "docs" / file).exists() for file in table.files):
            assert name in shown, f"{table.files}: no mark for {name}"
    known = {file for table in TABLES.values() for file in table.files}
    for path in (ROOT / "docs/benchmarks").glob("*"):
        assert f"benchmarks/{path.name}" in known


@pytest.mark.caffe  # whose messages say what nets are
@pytest.mark.parametrize("name", SENTENCES)
def test_running_text_is_as_results_have_it(name: str) -> None:
    text = (ROOT / name).read_text()
    assert document_tables.wrong_sentences(name, text, ROOT / "docs") == []


@cache
def said_of(name: str) -> list[sentences.Said]:
    return document_tables.sentences(name, ROOT / "docs")


@pytest.mark.caffe  # whose messages say what nets are
@pytest.mark.parametrize("name", SENTENCES)
def test_a_digit_of_running_text_that_is_changed_is_seen(name: str) -> None:
    said = said_of(name)
    text = sentences.running((ROOT / name).read_text())
    named = {i for m in sentences.NAMES.finditer(text) for i in range(*m.span())}
    digits = [m.start() for m in re.finditer(r"(?<![\w-])\d|(?<=[\d.,])\d", text)]
    tried = [i for i in digits if i not in named and not in_a_name(text, i)]
    assert tried
    for i in tried:
        changed = text[:i] + str((int(text[i]) + 1) % 10) + text[i + 1 :]
        wrong = sentences.not_said(changed, said)
        assert wrong or sentences.numbers_outside(changed, said), text[i - 30 : i + 30]


def in_a_name(text: str, place: int) -> bool:
    """Whether a digit is of a word such as V1.0 or VeRi-776."""
    word = re.search(r"[\w.-]*$", text[:place])
    return word is not None and bool(re.search("[A-Za-z]", word[0]))


@pytest.mark.caffe  # whose messages say what nets are
@pytest.mark.parametrize("name", SENTENCES)
def test_results_that_say_otherwise_are_seen(name: str) -> None:
    """Every sentence of a result is looked for, and what it claims is."""
    text = (ROOT / name).read_text()
    said = said_of(name)
    for one in said:
        assert sentences.not_said(text, [one]) == []
        other = sentences.Said(one.text, holds=False)
        assert sentences.not_said(text, [other]) == [one.text]


def test_numbers_that_no_sentence_says_are_seen() -> None:
    text = (
        "# Of 12\n\nOn 3 days, with `a 4`, Sec. 5.2, [b](c6.md) and VeRi-776, .7 of\n"
        "one of 800.\n\n    not 9\n\n```\nnor 10\n```\n"
        "\n<!-- table: one -->\n\n| 11 |\n\n<!-- end -->\n"
    )
    found = sentences.numbers_outside(text, [sentences.Said(".7 of one of 800")])
    assert [re.findall(r"\b(?:12|3)\b", place)[0] for place in found] == ["12", "12"]
    assert len(found) == 2


def test_the_index_names_every_document() -> None:
    index = (ROOT / "docs/README.md").read_text()
    named = set(re.findall(r"\]\((\w+\.md)\)", index))
    there = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert named == there - {"README.md"}


@pytest.mark.parametrize(
    "path",
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")],
    ids=lambda path: path.name,
)
def test_links_lead_to_what_is_there(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        file, _, heading = link.partition("#")
        if "://" not in link:
            target = path.parent / file if file else path
            assert target.exists(), link
            assert not heading or heading in headings(target), link


def headings(path: Path) -> set[str]:
    """The anchors of a document, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {word.replace(" ", "-") for word in words}


def test_files_that_contributing_names_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`([\w.*-]+(?:/[\w.*-]+)+)/?`", text))
    assert len(named) > 20
    committed = {name for name in named if not name.startswith("build/")}
    assert [name for name in committed if not list(ROOT.glob(name))] == []


def document(folder: Path, text: str) -> Path:
    """A project whose docs/rendered.md holds the text and whose others are empty.

    But for those whose sentences are of the code alone, which is there.
    """
    (folder / "docs/benchmarks").mkdir(parents=True)
    for name in DOCUMENTS:
        of_code = name in SENTENCES and not SENTENCES[name][1]
        (folder / name).write_text((ROOT / name).read_text() if of_code else "")
    (folder / "docs/rendered.md").write_text(text)
    return folder / "docs/rendered.md"


def write_tables(root: Path, *arguments: str) -> Done:
    tool = ROOT / "benchmarks/document_tables.py"
    return run(sys.executable, tool, "--root", root, *arguments)


def test_the_figure_of_growth_is_drawn_of_its_results(tmp_path: Path) -> None:
    """The most vehicles at the right, all methods, and anew where results are."""

    def cells(shift: float) -> list[dict[str, Any]]:
        values = [[shift + n / 100, shift + n / 50] for n in range(2)]
        return [{"values": each, "paper": None} for each in values]

    rows = {
        f"{method}, {n:,} vehicles": cells(n / 10_000)
        for method in STRUCTURES
        for n in (600, 2400, 1200)
    }
    table = {"columns": ["800", "1600"], "rows": rows}
    content = {"schema": "drdl.reproduced/1", "tables": {"Growth": table}}
    results = tmp_path / "results_growth.json"
    assert document_tables.drawn_anew(tmp_path) == {}
    results.write_text(json.dumps(content))
    ((path, drawn),) = document_tables.drawn_anew(tmp_path).items()
    assert path == tmp_path / "growth.svg"
    for words in (*STRUCTURES, "trained on (1,600 iterations)", "(2,400 vehicles)"):
        assert words in drawn
    assert document_tables.drawn_anew(tmp_path) == {path: drawn}
    rows[next(iter(rows))][-1]["values"][0] = 0.9
    results.write_text(json.dumps(content))
    assert document_tables.drawn_anew(tmp_path)[path] != drawn


def test_a_figure_is_drawn_where_it_is_another_than_results_make(
    tmp_path: Path,
) -> None:
    docs = shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "README.md", tmp_path)
    figures = document_tables.drawn_anew(docs)
    if not figures:
        pytest.skip("no figure's results are there yet")
    for path, drawn in figures.items():
        path.write_text(drawn.replace("iterations", "rounds"))
        done = write_tables(tmp_path, "--check")
        assert done.returncode == 1 and f"{path.name}: drawn anew" in done.stdout
        assert write_tables(tmp_path).returncode == 0
        assert path.read_text() == drawn


def test_typed_in_until_there_are_results_then_made_of_them(tmp_path: Path) -> None:
    typed = "One.\n\n<!-- table: render.rates -->\n\n| 1 |\n\n<!-- end -->\nTwo.\n"
    path = document(tmp_path, typed)
    done = write_tables(tmp_path)
    assert (done.returncode, path.read_text()) == (0, typed)
    assert "render.rates: typed in" in done.stdout

    results = tmp_path / "docs/benchmarks/render.json"
    results.write_text(json.dumps(RENDER))
    assert write_tables(tmp_path, "--check").returncode == 1
    assert path.read_text() == typed
    assert write_tables(tmp_path).returncode == 0
    mark = "<!-- table: render.rates, from benchmarks/render.json -->"
    assert path.read_text() == (
        f"One.\n\n{mark}\n\n{RENDER_ROWS}\n<!-- end -->\nTwo.\n"
    )
    assert write_tables(tmp_path, "--check").returncode == 0

    results.write_text(json.dumps(RENDER | {"schema": "drdl.bench_render/1"}))
    refused = write_tables(tmp_path)
    assert (
        refused.returncode == 1 and "expected 'drdl.bench_render/2'" in refused.stderr
    )
    results.unlink()
    refused = write_tables(tmp_path)
    assert refused.returncode == 1 and "render.json" in refused.stderr


def test_marks_without_their_other_half_are_refused() -> None:
    whole = "<!-- table: one -->\n\n| 1 |\n\n<!-- end -->\n"
    assert [t.name for t in documents.tables(whole, "here")] == ["one"]
    for text in (whole + whole, whole[:-15], "<!-- table: two -->\n\n" + whole):
        with pytest.raises(InputError, match="here"):
            documents.tables(text, "here")


def test_rows_with_figures_are_seen() -> None:
    rows = ["| a | 1,234 |", "| .5 | a |", "| a | 0.85: missed |", "|  | ±3 | 2 |"]
    others = ["| --- | ---: |", "| Layer | Eq. 6 |", "a 12 % | 7", "| 15 |x"]
    text = "\n".join(rows + others[:-1])
    assert documents.figures_outside(text) == rows
    marked = documents.Marked("a", text + "\n")
    assert documents.figures_outside(str(marked)) == []


def test_what_was_measured_and_where_is_told() -> None:
    run = {
        "command": "python benchmarks/build_lmdb.py", "machine": MACHINE,
        "images": 1500, "mean_bytes": 73210.0, "threads": 1,
        "seconds": {"builder, raw": [1.0]},
    }  # fmt: skip
    assert tables_of_benchmarks.build_lmdb_about(run) == (
        "    python benchmarks/build_lmdb.py\n\n"
        "Some CPU (a virtual machine), 2 cores; Debian 12; NumPy 2.4.6; load 0.2 "
        "before.\n1,500 images of 73 kB in the mean; 1 thread; 1 round.\n"
    )


def test_a_second_run_is_told_by_its_load() -> None:
    run = {
        "command": "python benchmarks/loss_layers.py", "machine": MACHINE,
        "dim": 1024, "gpu": None, "seconds_without_work": 2e-6,
        "outcomes": [{"seconds": {"Caffe": [1.0, 2.0]}}],
    }  # fmt: skip
    second = {**run, "machine": {**MACHINE, "load": 1.0}}
    lines = tables_of_nets.losses_about(run, second).splitlines()
    assert lines[:2] == ["    python benchmarks/loss_layers.py"] * 2
    assert " ".join(lines[3:]) == (
        "Some CPU (a virtual machine), 2 cores; Debian 12; NumPy 2.4.6; load 0.2 "
        "before, load 1.0 before. D = 1,024, float, on the CPU; of Caffe's time 0.002 "
        "ms are pycaffe's and the net's (one set, D = 1); 2 rounds."
    )


def test_losses_are_set_beside_the_run_of_each_number_of_threads() -> None:
    def outcome(sets: int, *torch: float) -> dict[str, Any]:
        seconds = {"Caffe": [0.001, 0.002, 0.004], "copy": [0.0005] * 3}
        if torch:
            seconds["PyTorch"] = list(torch)
        loss = {"layer": "TripletLoss", "way": "HARD", "sets": sets}
        return {**loss, "bytes": sets * 100_000, "seconds": seconds}

    def run(threads: int, *outcomes: dict[str, Any]) -> dict[str, Any]:
        return {"torch_threads": threads, "outcomes": list(outcomes)}

    one = run(1, outcome(1500, 0.004, 0.004, 0.004))
    two = run(2, outcome(15, 7, 7, 7), outcome(1500, 1, 1, 1))
    rows = tables_of_nets.losses(one, two).splitlines()
    assert rows[0] == "|  | sets | Caffe, ms | eager, 1 thread | eager, 2 threads |"
    assert rows[2:] == [
        "| Triplet, HARD | 1,500 | 2.00 | 2.00 (1.00 to 4.00) "
        "| 500.00 (250.00 to 1000.00) |"
    ]
    alone = tables_of_nets.losses(run(1, outcome(15)), run(2, outcome(15)))
    assert alone.splitlines()[2:] == ["| Triplet, HARD | 15 | 2.00 |"]
    assert tables_of_nets.losses_bandwidth(two).splitlines() == [
        "|  | 15 sets (1.5 MB) | 1,500 sets (150 MB) |",
        "| --- | ---: | ---: |",
        "| Triplet, HARD | 0.25 | 0.25 |",
    ]


def test_the_builder_is_held_against_its_target() -> None:
    run = {
        "images": 100,
        "seconds": {"ours": [2.0, 1.0, 1.0], "bare": [1.0, 0.7, 0.5]},
        "ratios": [{"ours": "ours", "bare": "bare", "target": target}
                   for target in (0.5, 0.6, None)],
        "memory": [{"images": 9000, "what": "32 x 32, raw", "before": 100e6,
                    "listed": 142e6, "peak": 150e6}],
    }  # fmt: skip
    assert tables_of_benchmarks.build_lmdb_rates(run).splitlines()[2:] == [
        "| ours | 100 | 50 to 100 |",
        "| bare | 143 | 100 to 200 |",
    ]
    ratios = tables_of_benchmarks.build_lmdb_ratios(run).splitlines()[2:]
    assert [row.split(" | ", 1)[1] for row in ratios] == [
        "0.50 | 0.50 to 0.70 | 0.5 |",
        "0.50 | 0.50 to 0.70 | 0.6: missed |",
        "0.50 | 0.50 to 0.70 |  |",
    ]
    assert tables_of_benchmarks.build_lmdb_memory(run).splitlines()[1:] == [
        "| ---: | --- | ---: | ---: | ---: | ---: |",
        "| 9,000 | 32 x 32, raw | 100 | 42 | 8 | 150 |",
    ]


def test_the_evaluation_may_take_so_long_and_so_much() -> None:
    run = {
        "ours": "pydrdl",
        "contestants": [
            {"name": "pydrdl", "seconds": [4.0, 3.5], "rank1": 0.25,
             "over_bare_sgemm": [1.2, 1.0]},
            {"name": "bare", "seconds": [4.0, 3.5], "rank1": None,
             "over_bare_sgemm": [1.0, 1.0]},
        ],
        "targets": {"over_bare_sgemm": 1.05, "peak_mib": 1024.0},
        "peak_mib": 299.4,
    }  # fmt: skip
    assert tables_of_benchmarks.evaluation(run).splitlines()[2:] == [
        "| pydrdl | 1.10 | 1.00 to 1.20 | 3.50 | 0.25000 |",
        "| bare | 1.00 | 1.00 to 1.00 | 3.50 |  |",
    ]
    assert tables_of_benchmarks.evaluation_targets(run).splitlines()[2:] == [
        "| ratio to bare sgemm | 1.10 | 1.05: missed |",
        "| MiB of memory beyond the features | 299 | 1,024 |",
    ]


def test_the_extraction_is_held_against_caffe_time() -> None:
    run = {
        "ours": "extraction", "caffe_time": "caffe time", "batch": 32,
        "target_over_caffe_time": 1.1,
        "cases": [{"case": "demo", "images": 10,
                   "seconds": {"caffe time": [0.1, 0.2, 0.1],
                               "extraction": [0.2, 0.2, 0.13]}}],
    }  # fmt: skip
    assert tables_of_nets.extraction(run).splitlines()[2:] == [
        "| demo | caffe time | 10.00 | 1.00 | 1.00 to 1.00 |  |",
        "| demo | extraction | 20.00 | 1.30 | 1.00 to 2.00 | 1.10: missed |",
    ]


def test_iterations_are_held_against_the_first_methods() -> None:
    run = {
        "command": "python benchmarks/training.py", "machine": MACHINE,
        "iterations": 5, "blas_threads": "1",
        "seconds": {"triplet": [0.5, 0.4], "mixed": [1.0, 0.6]},
    }  # fmt: skip
    assert "5 iterations of each net" in tables_of_nets.training_about(run)
    assert tables_of_nets.training(run).splitlines() == [
        "|  | s/iteration | over triplet | of the rounds |",
        "| --- | ---: | ---: | ---: |",
        "| triplet | 0.450 | 1.00 | 1.00 to 1.00 |",
        "| mixed | 0.800 | 1.75 | 1.50 to 2.00 |",
    ]


def test_commands_are_told_as_people_say_it() -> None:
    def one(seconds: float, each: str = "") -> dict[str, object]:
        return {"words": "tools/demo.sh", "before": "the build", "seconds": seconds,
                "peak": 2.26e9, "each": each}  # fmt: skip

    run = {
        "command": "python benchmarks/whole_commands.py", "machine": MACHINE,
        "commands": [one(59.6), one(119.6), one(18.2, "an iteration")],
    }  # fmt: skip
    rows = tables_of_benchmarks.commands(run).splitlines()[2:]
    assert [row.split(" | ")[2] for row in rows] == [
        "1 min 0 s", "2 min 0 s", "18 s an iteration",
    ]  # fmt: skip
    assert rows[0].startswith("| `tools/demo.sh` | the build | ")
    assert rows[0].endswith(" | 2.3 |")
    assert "once each." in tables_of_benchmarks.commands_about(run)


def test_the_data_layer_is_held_against_others() -> None:
    run = {
        "rates": [{"name": "b", "threads": 2, "images_per_s": [1000.0, 3000.0]},
                  {"name": "a", "threads": 1, "images_per_s": [10.0, 30.0]}],
        "ratios": [{"name": "a over b", "values": [0.5, 0.7], "target": 0.6},
                   {"name": "DECODED", "values": [4000.0, 4900.0], "target": 5000}],
    }  # fmt: skip
    assert tables_of_benchmarks.pair_set_data_rates(run).splitlines()[2:] == [
        "| a | 1 | 20 | 10 to 30 |",
        "| b | 2 | 2,000 | 1,000 to 3,000 |",
    ]
    assert tables_of_benchmarks.pair_set_data_ratios(run).splitlines()[2:] == [
        "| a over b | 0.60 | 0.50 to 0.70 | 0.60 |",
        "| DECODED | 4,450 | 4,000 to 4,900 | 5,000: missed |",
    ]


def evaluation_file(path: Path, **curves: list[list[float]]) -> Path:
    """What eval_cmc.py --json writes, as far as it is read."""
    features = result_rows.FEATURES | {
        "path": "/a/b.h5", "net": "/a/net", "weights": "/a/c.caffemodel",
    }  # fmt: skip
    results = [
        result_rows.cmc_row(name, repeats[0]) | {
            "features": features, "gallery": 200, "repeats": len(repeats),
            "cmc": {"mean": repeats[0], "std": None, "per_repeat": repeats},
        }
        for name, repeats in curves.items()
    ]  # fmt: skip
    return result_rows.write(path, "cmc", *results)


def rows_of(path: Path) -> list[dict[str, object]]:
    return list(map(rates.row, read_results(Reidentification, path)))


def test_the_demos_rates_stand_below_the_papers(tmp_path: Path) -> None:
    curves = [[0.3] * 4 + [0.5] * 16, [0.5] * 4 + [0.7] * 16]
    path = evaluation_file(tmp_path / "a", untrained=curves, mixed_difference=curves)
    rows = rows_of(path)
    assert "/" not in json.dumps(rows)
    shown = tables_of_rates.demo({"results": {"mixed_difference": rows}})
    spread = statistics.stdev([0.3, 0.5])
    assert f"{spread:.3f}" == "0.141"
    assert shown.splitlines()[-1] == (
        "| demo, the same net untrained | 200 | .400 ± .141 | .600 ± .141 "
        "| .600 ± .141 | .600 ± .141 |"
    )
    ccl = paper.TABLE_6[paper.VGG_CCL]["Small"]
    assert f"| paper, VGG + CCL | 800 | .{ccl.top1 * 1000:.0f} | .642 |  |  |" in shown


def test_results_tell_no_name_or_folder_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    words = ["/home/me/evaluation.py", "--json", "/home/out.json", "--rounds", "3"]
    more = ["--dataset", "/home/me/VehicleID", "--root=../x/y", "--json=/home/z"]
    monkeypatch.setattr(sys, "argv", words + more)
    output = tmp_path / "out.json"
    where = measured.machine({"NumPy": "numpy", "nothing": "no-such-distribution"})
    measured.write(output, "drdl.test/1", where, values=[1.5])
    text = output.read_text()
    content = json.loads(text)
    assert content["command"] == (
        "OPENBLAS_NUM_THREADS=1 python benchmarks/evaluation.py --rounds 3 "
        "--dataset VehicleID --root=y"
    )
    assert (content["schema"], content["values"]) == ("drdl.test/1", [1.5])
    assert content["machine"]["cores"] >= 1
    assert set(content["machine"]["libraries"]) == {"Python", "NumPy"}
    assert "/home" not in text
    assert platform.node() not in text


@pytest.mark.caffe
@pytest.mark.slow
@pytest.mark.parametrize(
    "name, options",
    [
        ("render", ["--rounds", "1", "--vehicles", "20", "--size", "32"]),
        ("evaluation", ["--rounds", "1", "--dimensions", "8", "--repeats", "1"]),
        ("extraction", ["--rounds", "1", "--net", "demo", "--images", "32"]),
        (
            "loss_layers",
            ["--rounds", "1", "--sets", "2", "--dim", "16", "--no-compile"],
        ),
    ],
)
def test_a_benchmarks_results_make_its_tables(
    tmp_path: Path, name: str, options: list[str]
) -> None:
    output = tmp_path / "out.json"
    program = ROOT / f"benchmarks/{name}.py"
    done = run(sys.executable, program, *options, "--json", output)
    assert done.returncode == 0, done.stderr
    content = json.loads(output.read_text())
    assert str(tmp_path) not in output.read_text()
    for table in TABLES.values():
        if table.files[:1] == (f"benchmarks/{name}.json",):
            assert content["schema"] == table.schema
            assert table.make(*[content] * len(table.files)).count("\n") > 2
