"""tools/report.py: the same numbers in every format, whole or not at all."""

import base64
import csv
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import result_rows
from commands import run_tool
from dataset_layouts import write_compcars
from report_fixture import (
    BAD,
    GOOD,
    LOG,
    Inputs,
    as_paper_split,
    as_trainings,
    make_inputs,
    rows,
    table,
)

from pydrdl import paper
from pydrdl.datasets import open_dataset
from pydrdl.errors import InputError
from pydrdl.report import build, writer
from pydrdl.report.content import Report, Section, Text
from pydrdl.report.writer import html
from pydrdl.results.comparison import paper_method
from pydrdl.table import (
    Column,
    Group,
    Table,
    cell,
    change,
    latex_text,
    markdown_text,
    rate,
    to_csv,
    to_latex,
    to_markdown,
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return make_inputs(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def output(inputs: Inputs) -> Path:
    """The folder that the tool writes of all of it."""
    folder = inputs.folder / "report"
    done = run_tool("report.py", folder, *inputs.options())
    assert (done.returncode, done.stderr) == (0, "")
    assert f"open {folder / 'report.html'}" in done.stdout
    return folder


@pytest.fixture(scope="module")
def trained(inputs: Inputs) -> Path:
    """The same with four trainings of the first method."""
    result = as_trainings(inputs.cmc, inputs.folder / "trained.json", 4)
    folder = inputs.folder / "report of trainings"
    report = build.build_report(build.Inputs(results=[result]))
    writer.write_report(report, folder)
    return folder


@pytest.fixture(params=["output", "trained"])
def either(request: pytest.FixtureRequest) -> Path:
    """The folders of both."""
    return Path(request.getfixturevalue(request.param))


NO_TIES = {"rule": "expected", "queries": 0.0, "mean_equal": 0.0,
           "optimistic": 0.6, "pessimistic": 0.6}  # fmt: skip


class Page(HTMLParser):
    """Collects tables by key, strips, images, and what a browser would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.strips: list[list[dict[str, str]]] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.fetched: list[str] = []
        self._table: list[list[str]] | None = None
        self._cell = self._item = False
        self._field = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.fetched += [
            values[n] for n in ("src", "href", "xlink:href") if values.get(n)
        ]
        kind = values.get("class", "")
        if tag == "figure" and kind == "table":
            self._table = self.tables[values["id"].removeprefix("table-")] = []
        elif tag == "figure" and kind == "strip":
            self.strips.append([])
        elif tag == "tr" and self._table is not None:
            self._table.append([])
        elif tag in ("td", "th") and self._table is not None:
            self._table[-1].append("")
            self._cell = True
        elif tag == "li" and kind in ("probe", "right", "wrong"):
            self.strips[-1].append({"class": kind})
        elif tag == "img":
            self.strips[-1][-1] |= {"alt": values["alt"], "src": values["src"]}
        elif tag == "span":
            self._field = kind

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False
        elif tag == "span":
            self._field = ""
        elif tag == "figure":
            self._table = None

    def handle_data(self, data: str) -> None:
        if self._cell and self._table is not None:
            self._table[-1][-1] += data
        elif self._field:
            self.strips[-1][-1][self._field] = data


def json_tables(output: Path) -> dict[str, Any]:
    content = json.loads((output / "report.json").read_text())
    blocks = [b for s in content["sections"] for b in s["blocks"]]
    return {b["key"]: b for b in blocks if b["type"] == "table"}


def parsed_number(text: str) -> float:
    return float(text.replace(",", "").replace("\u2212", "-").replace("$-$", "-"))


def check_rows(block: Any, shown: list[list[str]], unescape: dict[str, str]) -> int:
    """Compares cells with JSON's values; returns how many numbers were compared."""
    values = [row for group in block["groups"] for row in group["rows"]]
    assert len(shown) == len(values)
    count = 0
    for cells, row in zip(shown, values, strict=True):
        assert len(cells) == len(block["columns"])
        for text, column in zip(cells, block["columns"], strict=True):
            for sign, plain in unescape.items():
                text = text.replace(sign, plain)
            value = row.get(column["key"])
            if value is None:
                assert text == ""
            elif column["kind"] in ("text", "hash"):
                digits = 16 if column["kind"] == "hash" else None
                assert text == str(value)[:digits]
            else:
                mean, _, spread = text.partition(" ± ")
                tolerance = 0.00051 if column["kind"] in ("rate", "change") else 0
                assert parsed_number(mean) == pytest.approx(value, 1e-3, tolerance)
                std = row.get(column["spread"])
                assert bool(spread) == (std is not None)
                if std is not None:
                    assert parsed_number(spread) == pytest.approx(std, abs=0.00051)
                count += 1
    return count


def test_html_shows_the_numbers_of_the_json(either: Path) -> None:
    page = Page((either / "report.html").read_text())
    tables = json_tables(either)
    assert set(page.tables) == set(tables)
    compared = 0
    for key, block in tables.items():
        width = len(block["columns"])
        headings = [[g["heading"]] for g in block["groups"] if g["heading"]]
        body = page.tables[key][1:]
        assert [row for row in body if len(row) == 1 != width] == headings
        full = [row for row in body if len(row) == width]
        compared += check_rows(block, full, {})
    assert compared > 50


def test_markdown_shows_the_numbers_of_the_json(either: Path) -> None:
    text = (either / "report.md").read_text()
    unescape = {f"\\{sign}": sign for sign in "`*_[]|#~$"} | {
        "&lt;": "<", "&gt;": ">", "&amp;": "&",
    }  # fmt: skip
    compared = 0
    for block in json_tables(either).values():
        title = f"**{markdown_text(block['title'])}**"
        if block["folded"]:
            title = f"<summary>{block['title']}</summary>"
        start = text.index(title)
        lines = text[start:].split("\n\n")[1].splitlines()
        alone = (either / "tables" / f"{block['key']}.md").read_text()
        assert alone.splitlines() == lines
        cells = [re.split(r"(?<!\\) ?\| ?", line)[1:-1] for line in lines[2:]]
        headings = {f"*{markdown_text(g['heading'])}*" for g in block["groups"]}
        found = [row for row in cells if row[0] not in headings]
        compared += check_rows(block, found, unescape)
    assert compared > 50


def test_latex_shows_the_numbers_of_the_json(either: Path) -> None:
    unescape = {
        r"\textbackslash{}": "\\", r"\textless{}": "<", r"\textgreater{}": ">",
        r"\textbar{}": "|", r"\textquotedbl{}": '"', r"\textquotesingle{}": "'",
        r"$\pm$": "±", "-{}-": "--",
        r"\&": "&", r"\$": "$", r"\_": "_", r"\#": "#", r"\%": "%",
    }  # fmt: skip
    compared = 0
    for key, block in json_tables(either).items():
        tabular = (either / "tables" / f"{key}.tex").read_text()
        assert tabular.endswith("\\end{tabular}\n")
        lines = tabular[tabular.index(r"\midrule") :].splitlines()
        found = [
            re.split(r"(?<!\\) & ", " " + line.removesuffix(r" \\") + " ")
            for line in lines
            if line.endswith(r"\\") and r"\multicolumn" not in line
        ]
        stripped = [[text.strip() for text in row] for row in found]
        compared += check_rows(block, stripped, unescape)
    assert compared > 30


def test_csv_holds_all_digits_of_the_json(either: Path) -> None:
    for key, block in json_tables(either).items():
        with (either / "tables" / f"{key}.csv").open(newline="") as file:
            found = list(csv.DictReader(file))
        expected = [(g["heading"], r) for g in block["groups"] for r in g["rows"]]
        assert len(found) == len(expected)
        for line, (heading, row) in zip(found, expected, strict=True):
            assert line.get("of", "") == heading
            for column in block["columns"]:
                for name in filter(None, (column["key"], column["spread"])):
                    value = row.get(name)
                    assert line[name] == ("" if value is None else str(value))


def test_match_rates_are_those_of_eval_cmc(inputs: Inputs, output: Path) -> None:
    block = json_tables(output)["cmc-1"]
    results = json.loads(inputs.cmc.read_text())["results"]
    ours = block["groups"][0]["rows"]
    for row, entry in zip(ours, results, strict=True):
        assert row["method"] == entry["name"]
        for k in (1, 5, 10, 20):
            assert row[f"rank_{k}"] == entry["cmc"]["mean"][k - 1]
            assert row[f"rank_{k}_std"] == entry["cmc"]["std"][k - 1]
    figure = next(
        b
        for s in json.loads((output / "report.json").read_text())["sections"]
        for b in s["blocks"]
        if b["type"] == "figure" and b["key"] == "cmc-1"
    )
    curves = np.array(results[1]["cmc"]["per_repeat"])
    assert figure["data"][BAD]["low"] == curves.min(axis=0).tolist()
    assert figure["data"][BAD]["high"] == curves.max(axis=0).tolist()


def test_strips_of_the_page_are_those_of_the_json(inputs: Inputs, output: Path) -> None:
    page = Page((output / "report.html").read_text())
    content = json.loads((output / "report.json").read_text())
    blocks = [b for s in content["sections"] for b in s["blocks"]]
    strips = [s for b in blocks if b["type"] == "strips" for s in b["strips"]]
    assert len(page.strips) == len(strips) > 8
    for shown, strip in zip(page.strips, strips, strict=True):
        items = [strip["probe"], *strip["found"]]
        if strip["match"]["rank"] > 10:
            items.append(strip["match"])
        assert len(shown) == len(items)
        assert shown[0]["class"] == "probe"
        for picture, item in zip(shown[1:], items[1:], strict=True):
            right = item["vehicle"] == strip["probe"]["vehicle"]
            assert picture["class"] == ("right" if right else "wrong")
            assert picture["mark"] == f"{'✓' if right else '✗'} {item['rank']}"
            assert f"rank {item['rank']}: {item['image']}" in picture["alt"]
            assert parsed_number(picture["distance"]) == pytest.approx(
                item["distance"], rel=0.01
            )
        for picture, item in zip(shown, items, strict=True):
            data = base64.b64decode(picture["src"].split(",")[1])
            small = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            photograph = cv2.imread(str(inputs.folder / item["image"]))
            assert small.shape == photograph.shape  # smaller than a thumbnail
            assert np.abs(small.mean() - photograph.mean()) < 5
    assert any(strip["match"]["rank"] > 10 for strip in strips)


def test_the_page_needs_no_other_file(output: Path) -> None:
    text = (output / "report.html").read_text()
    page = Page(text)
    anchors = {f"#{name}" for name in page.ids}
    outside = [f for f in page.fetched if not f.startswith("data:image/jpeg;base64,")]
    assert set(outside) <= anchors
    assert len(set(page.ids)) == len(page.ids)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert not re.search(r"@import|url\((?!#)", text)


def test_names_are_shown_as_they_are_and_never_run(output: Path) -> None:
    page = Page((output / "report.html").read_text())
    assert "script" not in page.tags
    assert page.tables["cmc-1"][3][0] == BAD
    assert BAD not in (output / "report.md").read_text()
    svg = (output / "figures" / "cmc-1.svg").read_text()
    assert "&lt;script&gt;" in svg and "<script" not in svg


def test_the_same_inputs_give_the_same_bytes(inputs: Inputs, output: Path) -> None:
    again = inputs.folder / "again"
    assert run_tool("report.py", again, *inputs.options()).returncode == 0
    names = sorted(str(p.relative_to(output)) for p in output.rglob("*"))
    assert sorted(str(p.relative_to(again)) for p in again.rglob("*")) == names
    for name in names:
        if (output / name).is_file():
            assert (output / name).read_bytes() == (again / name).read_bytes(), name


def small(inputs: Inputs, **more: Any) -> Report:
    return build.build_report(build.Inputs(results=[inputs.cmc], **more))


def test_differences_stand_only_beside_a_gallery_of_the_papers_size(
    inputs: Inputs, tmp_path: Path
) -> None:
    report = small(inputs)
    assert "change_1" not in rows(report, "cmc-1")[0]
    assert "no difference is given" in html(report)
    same = as_paper_split(inputs.cmc, tmp_path / "cmc.json", 1_600, 11_777)
    report = build.build_report(build.Inputs(results=[same]))
    ours, theirs = table(report, "cmc-1").groups
    expected = paper.TABLE_6[paper.VGG_CCL]["Medium"]
    row = ours.rows[0]  # GOOD is "ccl"
    assert row["change_1"] == row["rank_1"] - expected.top1
    assert row["change_5"] == row["rank_5"] - expected.top5
    assert ours.rows[1].get("change_1") is None  # no method of the paper
    assert theirs.heading == "the paper, Table 6, Medium"
    assert [r["rank_1"] for r in theirs.rows] == [0.354, 0.370, 0.428]
    page = html(report)
    assert "released after it 11,777: as many as here" in page
    assert "paper: VGG + CCL" in page  # its points in the figure
    drawn = tmp_path / "drawn"
    drawn.mkdir()
    shutil.copy(inputs.list, drawn)
    (drawn / "README.md").write_text("# A rendered VehicleID\n")
    data = open_dataset(drawn / inputs.list.name)
    other = as_paper_split(inputs.cmc, tmp_path / "x.json", 1_600, 11_777, "VERI-Wild")
    for given in (
        build.Inputs(results=[same], dataset=data),
        build.Inputs(results=[other]),
    ):
        report = build.build_report(given)
        assert "change_1" not in rows(report, "cmc-1")[0]
        page = html(report)
        assert "but not its photographs" in page
        assert "paper: VGG + CCL" not in page


def test_every_split_has_its_own_table(inputs: Inputs, tmp_path: Path) -> None:
    content = json.loads(inputs.cmc.read_text())
    for entry in content["results"]:
        entry["split"]["sha256"] = "0" * 64
    other = tmp_path / "other.json"
    other.write_text(json.dumps(content))
    report = build.build_report(build.Inputs(results=[inputs.cmc, other]))
    assert [t.key for t in report.tables()][:2] == ["cmc-1", "cmc-2"]
    with pytest.raises(InputError, match="two CMC results are named"):
        build.build_report(build.Inputs(results=[inputs.cmc, inputs.cmc]))


def test_the_setup_behind_numbers_is_told(inputs: Inputs) -> None:
    data = open_dataset(inputs.list)
    good, bad, *papers = rows(small(inputs, dataset=data), "setup")
    assert (good["iterations"], bad["iterations"]) == (7, 0)
    assert good["tested_images"] == 96 and good["tested_vehicles"] == 24
    assert good["input"] == "64 x 64"
    assert [r["tested_images"] for r in papers] == [7_332, 12_995, 20_038]


def test_nets_tested_on_part_3_have_learned_from_all_of_part_1(tmp_path: Path) -> None:
    web = open_dataset(write_compcars(tmp_path / "CompCars"))
    row = result_rows.verification_row("a", [0.7])
    row["features"] = {**row["features"], "dataset": "CompCars", "split": "part3"}
    result = result_rows.write(tmp_path / "v.json", "verification", row)
    report = build.build_report(build.Inputs(results=[result], dataset=web))
    # The paper's images of VehicleID are nothing to compare with.
    (found,) = rows(report, "setup")
    assert found["tested_images"] == len(web.splits["part3"]) == 9
    assert found["train_images"] == len(web.splits["part1"]) == 18


def test_nan_in_a_log_is_flagged(inputs: Inputs, tmp_path: Path) -> None:
    log = tmp_path / "nan.log"
    log.write_text(LOG.replace("ccl_loss = 0.3", "ccl_loss = nan"))
    report = small(inputs, logs={"good": inputs.log, "broken": log})
    good, broken = rows(report, "training")
    assert (good["bad"], broken["bad"]) == (0, 1)
    assert (good["state"], good["loss"], good["rate"]) == ("done", 0.4, 0.007)
    texts = [b for s in report.sections for b in s.blocks if isinstance(b, Text)]
    warnings = [t.text for t in texts if t.kind == "warning"]
    assert any("broken: 1 row of the training log" in w for w in warnings)
    assert any("first at iteration 5, in ccl_loss" in w for w in warnings)
    writer.write_report(report, tmp_path / "out")  # JSON has no NaN
    text = (tmp_path / "out" / "report.json").read_text()
    assert '"nan"' in text and "NaN," not in text


@pytest.fixture(scope="module")
def siblings(inputs: Inputs) -> dict[str, Path]:
    """What eval_cmc.py's siblings write for the same features."""
    folder, features = inputs.folder, inputs.features.values()
    files = {name: folder / f"{name}.json" for name in ("map", "verification")}
    names = ("--name", "mixed_difference", "--name", BAD)
    for tool, *options in (
        ("eval_map.py", "--repeats", 3, "--json", files["map"]),
        ("eval_verification.py", "--draw", 40, "--json", files["verification"]),
    ):
        done = run_tool(tool, *features, *names, *options)
        assert done.returncode == 0, done.stderr
    return files


def test_map_and_verification_are_those_of_their_tools(
    siblings: dict[str, Path], tmp_path: Path
) -> None:
    files = [siblings["map"], siblings["verification"]]
    report = build.build_report(build.Inputs(results=files))
    maps = json.loads(files[0].read_text())["results"]
    pairs = json.loads(files[1].read_text())["results"]
    for row, entry in zip(rows(report, "map-1")[:2], maps, strict=True):
        assert row["method"] == entry["name"]
        assert row["map"] == entry["map"]["mean"]
        assert row["map_std"] == entry["map"]["std"]
        assert row["trapezoid"] == entry["map_trapezoid"]["mean"]
        assert "change" not in row or row["change"] is None  # another data set
    shown = rows(report, "verification")
    assert len(shown) == 2 + 3 * 4  # the paper's three levels and four methods
    for row, entry in zip(shown[:2], pairs, strict=True):
        found = entry["pairs"][0]
        assert row["pairs"] == found["rule"]
        assert (row["auc"], row["eer"]) == (found["auc"], found["eer"])
        assert (row["folds"], row["folds_std"]) == (
            found["folds"]["mean"], found["folds"]["std"],
        )  # fmt: skip
        assert row["accuracy"] is None
        assert row["optimal"] == found["test_optimal"]["accuracy"]
    pairs[0]["features"]["dataset"] = "CompCars"
    pairs[0]["pairs"][0] |= {"name": "verification_pairs_hard", "accuracy": 0.75}
    compcars = tmp_path / "compcars.json"
    head = {"schema": "drdl.verification/1", "pydrdl": "0.1.0"}
    compcars.write_text(json.dumps({**head, "results": pairs}))
    report = build.build_report(build.Inputs(results=[compcars]))
    first, second = rows(report, "verification")[:2]
    assert first["change"] == 0.75 - paper.TABLE_3[paper.MIXED_CCL][2]
    assert second.get("change") is None
    pairs[0]["features"]["dataset"] = "drawn CompCars"
    compcars.write_text(json.dumps({**head, "results": pairs}))
    report = build.build_report(build.Inputs(results=[compcars]))
    assert rows(report, "verification")[0].get("change") is None
    for entry in maps:
        entry["vehicles"] = 800
        entry["features"]["dataset"] = "VehicleID"
    small_split = tmp_path / "small.json"
    head = {"schema": "drdl.map/1", "pydrdl": "0.1.0"}
    small_split.write_text(json.dumps({**head, "results": maps}))
    report = build.build_report(build.Inputs(results=[small_split]))
    row = rows(report, "map-1")[0]
    expected = paper.TABLE_4[paper.MIXED_CCL]["Small"]
    assert row["change"] == row["map"] - expected
    assert Page(html(report)).tables["map-1"][2][-1] == change(row["change"])


def test_cross_camera_results_are_shown(tmp_path: Path) -> None:
    entry = {
        "name": "ccl", "features": {"path": "a.h5", "sha256": "ab"},
        "image_to": "track", "queries": 1_678, "gallery": 11_579,
        "vehicles": 200, "junk_pairs": 5, "ties": NO_TIES,
        "map": 0.6, "map_trapezoid": 0.61, "cmc": [0.7, 0.8, 0.8, 0.8, 0.9],
    }  # fmt: skip
    path = tmp_path / "cross.json"
    head = {"schema": "drdl.cross_camera/1", "pydrdl": "0.1.0"}
    path.write_text(json.dumps({**head, "results": [entry]}))
    row = rows(build.build_report(build.Inputs(results=[path])), "cross-camera")[0]
    assert (row["map"], row["trapezoid"]) == (0.6, 0.61)
    assert (row["rank_1"], row["rank_5"]) == (0.7, 0.9)


@pytest.mark.parametrize(
    ("change_inputs", "what"),
    [
        (lambda i, t: {"results": [t / "none.json"]}, "No such file"),
        (lambda i, t: {"results": [i.log]}, "the results: Expecting value"),
        (lambda i, t: {"results": [half(i, t)]}, "results[1].cmc is missing"),
        (lambda i, t: {"results": []}, "there is nothing to report"),
        (lambda i, t: {"logs": {"x": i.list}}, "no iteration is shown"),
        (lambda i, t: {"features": {"x": i.features[GOOD]}}, "no CMC result is named"),
        (
            lambda i, t: {"features": {GOOD: i.features[BAD]}},
            "was made from other features",
        ),
        (
            lambda i, t: {"features": i.features, "repeat": 3},
            "there is no repeat 3",
        ),
        (
            lambda i, t: {"checks": [i.cmc]},
            "the check of a data set: schema 'drdl.cmc/1'; exp",
        ),
    ],
)
def test_refuses_what_it_cannot_use(
    inputs: Inputs, tmp_path: Path, change_inputs: Any, what: str
) -> None:
    given = {"results": [inputs.cmc]} | change_inputs(inputs, tmp_path)
    with pytest.raises(InputError, match=re.escape(what)) as refused:
        build.build_report(build.Inputs(**given))
    assert refused.value.where and refused.value.next_step


def half(inputs: Inputs, folder: Path) -> Path:
    content = json.loads(inputs.cmc.read_text())
    del content["results"][1]["cmc"]
    path = folder / "half.json"
    path.write_text(json.dumps(content))
    return path


def test_a_check_of_the_data_is_shown(inputs: Inputs, tmp_path: Path) -> None:
    check = tmp_path / "check.json"
    done = run_tool("dataset.py", "check", inputs.list, "--json", check)
    assert done.returncode in (0, 1), done.stderr
    report = small(inputs, checks=[check])
    counts = rows(report, "check-1-counts")
    assert (counts[0]["images"], counts[0]["vehicles"]) == (96, 24)
    assert counts[0]["labelled"] == 96 - 16  # every sixth vehicle has no label
    problems = json.loads(check.read_text())["problems"]
    assert [r["what"] for r in rows(report, "check-1")] == [p["what"] for p in problems]
    # With the data set itself, its counts stand there instead.
    report = small(inputs, checks=[check], dataset=open_dataset(inputs.list))
    assert "check-1-counts" not in [t.key for t in report.tables()]
    assert rows(report, "data")[0] == counts[0]


def test_images_of_another_set_are_refused(inputs: Inputs, tmp_path: Path) -> None:
    other = tmp_path / "list.txt"
    other.write_text("a.jpg 1\nb.jpg 2\n")
    with pytest.raises(InputError, match="is not in the data set"):
        small(inputs, features=inputs.features, dataset=open_dataset(other))


def test_a_split_that_cannot_be_drawn_again_is_asked_for(
    inputs: Inputs, tmp_path: Path
) -> None:
    content = json.loads(inputs.cmc.read_text())
    for entry in content["results"]:
        entry["split"]["seed"] = 5
    changed = tmp_path / "cmc.json"
    changed.write_text(json.dumps(content))
    wrong = build.Inputs(results=[changed], features=inputs.features)
    with pytest.raises(InputError, match="cannot be drawn again") as refused:
        build.build_report(wrong)
    assert "--split-file" in refused.value.next_step
    saved = tmp_path / "split.json"
    seed = ("--seed", 4, "--repeats", 3)
    done = run_tool("eval_cmc.py", inputs.features[GOOD], "--split-file", saved, *seed)
    assert done.returncode == 0, done.stderr
    given = build.Inputs(
        results=[changed], features=inputs.features, split_files=[saved]
    )
    assert rows(build.build_report(given), "failures")


def test_the_tool_says_what_is_wrong(inputs: Inputs, tmp_path: Path) -> None:
    done = run_tool("report.py", tmp_path / "out", "--result", tmp_path / "none.json")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("error: cannot read the results")
    assert "  where: " in done.stderr and "  next: " in done.stderr
    assert run_tool("report.py", tmp_path / "out", "--log", "=x").returncode == 2
    assert not (tmp_path / "out").exists()


def tiny(title: str) -> Report:
    return Report(title, "", [Section("a", "A", [Text("text")])])


def test_the_folder_appears_only_when_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"

    def fail(report: Report) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(writer, "to_json", fail)
        with pytest.raises(InputError, match="No space left"):
            writer.write_report(tiny("one"), output)
        assert list(tmp_path.iterdir()) == []
    writer.write_report(tiny("one"), output)
    before = (output / "report.html").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(writer, "to_json", fail)
        with pytest.raises(InputError):
            writer.write_report(tiny("two"), output, overwrite=True)
    assert (output / "report.html").read_bytes() == before
    with pytest.raises(InputError, match="the output exists"):
        writer.write_report(tiny("two"), output)
    writer.write_report(tiny("two"), output, overwrite=True)
    assert b"two" in (output / "report.html").read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_report_is_replaced_or_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    writer.write_report(tiny("one"), output)
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name.endswith(".partial"):
            raise OSError(5, "Input/output error")
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        with pytest.raises(InputError, match="Input/output error"):
            writer.write_report(tiny("two"), output, overwrite=True)
    assert b"one" in (output / "report.html").read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    # Killed between the two renames: neither stands there, and the next run goes on.
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial" / "report.html").write_text("half")
    output.rename(tmp_path / ".out.replaced")
    with pytest.raises(InputError, match="the output exists"):
        writer.write_report(tiny("two"), output)  # it is put right first
    assert b"one" in (output / "report.html").read_bytes()
    writer.write_report(tiny("two"), output, overwrite=True)
    assert b"two" in (output / "report.html").read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_overwriting_spares_what_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "report.json").write_text("{}")
    with pytest.raises(InputError, match="is no report"):
        writer.write_report(tiny("x"), tmp_path / "thesis", overwrite=True)
    assert (tmp_path / "thesis" / "report.json").read_text() == "{}"


def test_cells() -> None:
    assert [rate(v) for v in (0.3814, 0.9999, 1.0, 0.0)] == [
        ".381", "1.000", "1.000", ".000",
    ]  # fmt: skip
    assert [change(v) for v in (0.0123, -0.2, -0.0001)] == [
        "+.012",
        "\u2212.200",
        "+.000",
    ]
    spread = Column("x", "x", "rate", "s")
    assert cell(spread, {"x": 0.5, "s": 0.01}) == ".500 ± .010"
    assert cell(spread, {"x": 0.5}) == ".500"
    assert cell(spread, {"x": None, "s": 0.01}) == ""
    assert cell(Column("x", "x", "count"), {"x": 0}) == "0"
    assert cell(Column("x", "x", "count"), {"x": 12345}) == "12,345"


def test_tables_escape_what_has_a_meaning_in_them() -> None:
    ill = 'a|b & c_d $x$ 50% #1 {y} ~ ^ \\ "q" <i>\n'
    shown = Table(
        "t", ill, [Column("a", ill), Column("b", "b")], [Group("", [{"a": ill}])]
    )
    assert len(to_markdown(shown).splitlines()) == 3
    assert not set("<>") & set(to_markdown(shown))
    assert latex_text("--log a-b") == "-{}-log a-b"
    assert list(csv.reader(to_csv(shown).splitlines(keepends=True)))[1][0] == ill
    latex = to_latex(shown)
    body = re.sub(
        r"\\(textbackslash|textasciicircum|textasciitilde|\w+)\{\}", "", latex
    )
    assert not re.search(r"(?<!\\)[$%#_^~<>|\"]", body)
    assert latex.count("{") == latex.count("}")


def test_only_whole_names_are_the_papers_methods() -> None:
    assert paper_method("mixed_difference") == paper.MIXED_CCL
    assert paper_method("VGG + CCL") == paper.VGG_CCL
    assert paper_method("Mixed difference + CCL") == paper.MIXED_CCL
    assert paper_method("ccl, margin 0.5") is None
    for method in (*paper.TABLE_3, *paper.TABLE_4, *paper.TABLE_6):
        assert paper_method(method) == method
