"""Options that tools share mean the same in all of them."""

import ast
import inspect
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, run_tool
from in_process import run_here
from typer import BadParameter
from typer.models import ArgumentInfo, OptionInfo

from pydrdl.cli import MAX_INT, refuse_odd_numbers
from pydrdl.commands import drdl, options

pytest.importorskip("caffe.proto", reason="pycaffe is not installed")

pytestmark = pytest.mark.caffe

# Made in a moment from what is kept: replaced, as --json is.
REPLACED = {"parse_log", "plot_training"}
# A data set that was drawn is deleted by hand only.
DELETED_BY_HAND = {"render_vehicleid", "render_compcars"}
# A chain goes on in its folder.
GOES_ON = {"reproduce"}


BY_NAME = {command.__name__: command for command in drdl.COMMANDS}


def names_in(path: Path) -> list[str]:
    """The commands that a file of tools/ runs, by the arguments of tool()."""
    last = ast.parse(path.read_text()).body[-1]
    assert isinstance(last, ast.Expr)
    assert isinstance(last.value, ast.Call)
    return [ast.literal_eval(word) for word in last.value.args[1:]]


TOOLS = {path: names_in(path) for path in sorted((ROOT / "tools").glob("*.py"))}
COMMANDS = [
    (path.stem, BY_NAME[name]) for path, names in TOOLS.items() for name in names
]


def test_every_command_has_a_tool() -> None:
    given = [name for names in TOOLS.values() for name in names]
    assert sorted(given) == sorted(BY_NAME)
    assert len(BY_NAME) == len(drdl.COMMANDS)


@pytest.mark.parametrize("path", TOOLS, ids=lambda path: path.name)
def test_a_tool_is_three_lines(path: Path) -> None:
    lines = path.read_text().split("\n\n")
    assert lines[1] == "from pydrdl.commands import tool"
    assert lines[2] == f"tool(__name__, {', '.join(map(json.dumps, TOOLS[path]))})\n"
    assert len(lines) == 3
    for name in TOOLS[path]:
        assert f"`drdl {name.replace('_', '-')}`" in lines[0]


def declared(command: Callable[..., object], name: str) -> OptionInfo | None:
    """How a command declares an option; None where it has none of this name."""
    found = inspect.signature(command, eval_str=True).parameters.get(name)
    if found is None:
        return None
    (info,) = found.annotation.__metadata__
    return info if isinstance(info, OptionInfo) else None


@pytest.mark.parametrize(
    ("tool", "command"), COMMANDS, ids=[f"{t}-{c.__name__}" for t, c in COMMANDS]
)
def test_every_tool_declares_them_as_all_do(
    tool: str, command: Callable[..., object]
) -> None:
    parameters = inspect.signature(command, eval_str=True).parameters
    makes = [n for n in ("output", "work") if declared(command, n)]
    for name in makes:
        info = declared(command, name)
        assert info is not None
        # In Annotated, typer takes a default for the first name.
        names = [n for n in (info.default, *(info.param_decls or ())) if n is not ...]
        assert (names or ["--output"])[0] == "--output"
        owned = "overwrite" in parameters
        assert owned != (tool in REPLACED | DELETED_BY_HAND | GOES_ON)
    for name, parameter in parameters.items():
        (info,) = parameter.annotation.__metadata__ if name != "context" else (None,)
        if isinstance(info, ArgumentInfo) and name.startswith("output"):
            assert info is options.OUTPUT_WORD
            assert makes == ["output"]
    seed = declared(command, "seed")
    if seed is not None:
        assert (seed.min, seed.max) == (0, MAX_INT)
    numbers = declared(command, "json")
    if numbers is not None:
        assert numbers.metavar == "FILE"
        assert numbers.help is not None
        assert '(replaced); "-": to standard output' in numbers.help
    overwrite = declared(command, "overwrite")
    # These two replace files that differ, and leave those that do not.
    if overwrite is not None and command.__name__ not in ("make_nets", "model_card"):
        assert overwrite is options.OVERWRITE


def test_the_tools_that_make_something_are_among_them() -> None:
    makers = {tool for tool, command in COMMANDS if declared(command, "output")}
    assert makers >= {
        "build_lmdb", "extract_features", "init_weights", "make_nets", "report",
        "train", "train_verifier", "two_camera_lists", "dataset", "render_vehicleid",
        "render_compcars", "parse_log", "plot_training",
    }  # fmt: skip


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for vehicle in range(3):
        for camera in (1, 2):
            (folder / f"car_{vehicle:04d}_cam{camera}.jpg").touch()
    return folder


def test_an_output_is_named_in_one_of_two_ways(photos: Path, tmp_path: Path) -> None:
    tool, more = "two_camera_lists.py", ("--test-vehicles", 1)
    for words in (("--output", "a"), ("b",)):
        assert run_tool(tool, photos, *words, *more, cwd=tmp_path).returncode == 0
    for name in ("train.txt", "test.txt"):
        content = (tmp_path / "a" / name).read_bytes()
        assert content == (tmp_path / "b" / name).read_bytes() != b""
    for words, why in (
        ((), "'--output': say what to make"),
        (("c", "--output", "d"), "named twice, c and d"),
    ):
        done = run_tool(tool, photos, *words, *more, cwd=tmp_path)
        assert done.returncode == 2
        assert why in " ".join(done.stderr.split())
        assert not (tmp_path / "c").exists()
        assert not (tmp_path / "d").exists()


def test_lists_that_were_edited_are_kept(photos: Path, tmp_path: Path) -> None:
    words = (photos, "--output", tmp_path, "--test-vehicles", 1)
    assert run_tool("two_camera_lists.py", *words).returncode == 0
    (tmp_path / "test.txt").write_text("mine\n")
    done = run_tool("two_camera_lists.py", *words)
    assert done.returncode == 1
    assert f"where: {tmp_path / 'test.txt'}" in done.stderr
    assert (tmp_path / "test.txt").read_text() == "mine\n"
    assert run_tool("two_camera_lists.py", *words, "--overwrite").returncode == 0
    assert (tmp_path / "test.txt").read_text() != "mine\n"


def test_json_goes_to_stdout_alone(tmp_path: Path) -> None:
    """And is the file's, whatever stands in names."""
    name = "odd\x7f\x1bäö.jpg"
    (tmp_path / "list.txt").write_text(f"{name} 1\n")
    words = ("check", "list.txt", "--json")
    shown = run_tool("dataset.py", *words, "-", cwd=tmp_path)
    assert run_tool("dataset.py", *words, "a.json", cwd=tmp_path).returncode == 1
    content = json.loads(shown.stdout)
    assert content == json.loads((tmp_path / "a.json").read_text())
    examples = [text for found in content["problems"] for text in found["examples"]]
    assert any(text.startswith(name) for text in examples)
    assert "NOT fit to train on" in shown.stderr
    assert shown.returncode == 1
    assert not (tmp_path / "-").exists()


JSON_OF = {
    "check": ("check", "l.txt"),
    "verify_lmdb": ("verify_lmdb", "folder"),
    "init_weights": ("init_weights", "w.caffemodel", "net", "--output", "new"),
    "gradcheck": ("gradcheck",),
    "eval_cmc": ("eval_cmc", "a.h5", "--verifier", "jb.npz", "--split-file", "new"),
    "eval_map": ("eval_map", "a.h5", "--split-file", "new"),
    "eval_verification": ("eval_verification", "a.h5", "--save-pairs", "new"),
    "search": ("search", "p.jpg", "--gallery", "folder", "--strip", "new.png"),
    "explain": ("explain", "p.jpg", "q.jpg", "--net", "net", "--output", "new.png"),
    "reproduce": ("reproduce", "table6", "--list", "--output", "new"),
    "environment": ("environment",),
}
KEPT = {
    "a.h5": b"DRDL seal 1\n",
    "folder/gallery.json": b'{\n "schema": "drdl.gallery/1"}',
    "folder/pair_index.binaryproto": b"\x08\x01",
    "jb.npz": b"PK",
    "l.txt": b"a.jpg 1\n",
    "split.json": b'{\n "schema": "drdl.split/1"}',
    "preprocess.json": b'{\n  "resize": 72}',
    "w.caffemodel": b"\xc2\x3e",
}


def test_all_json_is_looked_at() -> None:
    assert {n for n in BY_NAME if declared(BY_NAME[n], "json")} == set(JSON_OF)


@pytest.mark.parametrize("words", JSON_OF.values(), ids=str)
def test_json_takes_the_place_of_an_earlier_one_only(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Of nothing that a command reads or writes, nor of anything else there is."""
    (tmp_path / "folder").mkdir()
    for name, content in KEPT.items():
        (tmp_path / name).write_bytes(content)
    for name, content in KEPT.items():
        done = run_here(*words, "--json", name, cwd=tmp_path)
        assert done.returncode == 1
        assert "it holds something else than drdl." in done.stderr
        assert f"where: {name}" in done.stderr
        assert (tmp_path / name).read_bytes() == content
    done = run_here(*words, "--json", "no/x.json", cwd=tmp_path)
    assert done.returncode == 1 and "no such folder" in done.stderr
    for word in words:
        if word.startswith("new"):
            done = run_here(*words, "--json", f"./{word}", cwd=tmp_path)
            assert done.returncode == 2 and "two outputs are one file" in done.stderr
    assert not [*tmp_path.glob("new*")]


@pytest.mark.parametrize("old", ["", '{\n "schema": "drdl.environment/1"}', "  { "])
def test_an_earlier_json_and_an_empty_file_are_replaced(
    tmp_path: Path, old: str
) -> None:
    path = tmp_path / "x.json"
    path.write_text(old)
    done = run_here("environment", "--json", path.name, cwd=tmp_path)
    assert done.returncode == (1 if old == "  { " else 0)
    assert ("drdl.environment/1" in path.read_text()) == (old != "  { ")
    # By whatever name: here the file is not yet there.
    (tmp_path / "l.txt").touch()
    done = run_here("check", "l.txt", "--json", "./l.txt", cwd=tmp_path)
    assert done.returncode == 2 and "named twice" in done.stderr


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        -float("inf"),
        2**31,
        -(2**31),
        10**30,
        3.5e38,
        -1e300,
        1e-50,
        -1.1e-38,
    ],
)
def test_numbers_that_no_option_takes(value: float) -> None:
    for given in (value, [1, value], (2.5, value)):
        with pytest.raises(BadParameter, match=r"finite|is beyond|of 32 bits"):
            refuse_odd_numbers({"some_option": given, "other": None})
    refuse_odd_numbers({"a": MAX_INT, "b": -1.5, "c": [3e38], "d": "nan", "e": True})
    refuse_odd_numbers({"a": 0.0, "b": 1.2e-38, "c": -float(np.finfo(np.float32).max)})


@pytest.mark.parametrize(
    ("tool", "words", "option"),
    [
        ("train_verifier.py", ("svm", "a.h5", "--output", "b", "--c", "nan"), "--c"),
        ("plot_training.py", ("a.log", "--interval", "inf"), "--interval"),
        ("render_vehicleid.py", ("--output", "a", "--images", "nan"), "--images"),
        ("eval_cmc.py", ("a.h5", "--repeats", 10**20), "--repeats"),
        ("render_vehicleid.py", ("--output", "a", "--vehicles", 0), "--vehicles"),
        ("make_nets.py", ("--train", "a", "--output", "b", "--sets", 65537), "--sets"),
        ("make_nets.py", ("--train", "a", "--output", "b", "--margin", 1e-50),
         "--margin"),
        ("build_lmdb.py", ("a", "--output", "b", "--split", "c", "--size", 10**20),
         "--size"),
        ("render_compcars.py", ("--output", "a", "--models", 1, 10**20, 1), "--models"),
    ],
)  # fmt: skip
def test_tools_refuse_them_as_wrong_use(
    tmp_path: Path, tool: str, words: tuple[object, ...], option: str
) -> None:
    done = run_tool(tool, *words, cwd=tmp_path)
    assert done.returncode == 2
    assert f"Invalid value for '{option}'" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("--output", ""), ("--output=",)])
@pytest.mark.parametrize("name", ["make_nets.py", "parse_log.py", "report.py"])
def test_an_output_without_a_name_is_not_this_folder(
    name: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    given = {"parse_log.py": ["a.log"], "make_nets.py": ["--train", "lmdb"]}
    done = run_tool(name, *given.get(name, []), *words, cwd=tmp_path)
    assert done.returncode == 2
    assert "it is empty; is a variable of the shell unset?" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("output", [".", "/"])
def test_features_into_a_folder(output: str, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("a.jpg 1\n")
    words = ["own.txt", "--net", "n", "--untrained", "1", "--output", output]
    done = run_tool("extract_features.py", *words, cwd=tmp_path)
    assert done.returncode == 1
    assert "the output is a folder" in done.stderr


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("search.py", "x.jpg", "--gallery", "g", "--box", "1,2"), "--box"),
        (("search.py", "x.jpg", "--gallery", "g", "--since", "soon"), "--since"),
        (("extract_features.py", "d", "--net", "n", "--mean", "1,2"), "--mean"),
        (("eval_map.py", "a.h5", "--protocol", "cross-camera"), "--gallery"),
        (("make_nets.py", "--output", "nets"), "--train"),
        (("make_nets.py", "--margin", "2"), "--margin"),
        (("two_camera_lists.py", "d"), "--output"),
        (("reproduce.py", "photographs", "--list"), "--photographs"),
        (("report.py", "--output", "r", "--log", "=a"), "--log"),
    ],
)
def test_wrong_use_names_the_option(
    words: tuple[str, ...], option: str, tmp_path: Path
) -> None:
    done = run_tool(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert f"Invalid value for '{option}'" in done.stderr
