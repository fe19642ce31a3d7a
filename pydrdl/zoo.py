"""Cards of trained nets, as Caffe's model zoo has them: models/NAME/readme.md.

A card begins with lines `key: value` between two lines `---`. Caffe's keys are name,
caffemodel, caffemodel_url, license, sha1 and caffe_commit. Here, `deploy`, `preprocess`
and `solver` name files beside the card too, `KEY_sha256` is the hash of the file that
KEY names, and `measure` is the first number that the text below tells.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydrdl import __version__
from pydrdl.errors import InputError
from pydrdl.files import (
    exists,
    file_sha256,
    files_in,
    is_folder,
    open_bytes,
    read_bytes,
    read_text,
    refuse_no_folder,
)
from pydrdl.results import read_results
from pydrdl.results.comparison import terminal_table
from pydrdl.results.result import Result
from pydrdl.table import rate, to_markdown

CARD = "readme.md"
REQUIRED = ("name", "caffemodel", "license", "sha1", "caffe_commit")
FILES = ("caffemodel", "deploy", "preprocess", "solver")
CAFFE_COMMIT = "99bd997"  # of BVLC Caffe, see cmake/CaffeSource.cmake
_LINE = re.compile(r"([a-z][a-z0-9_]*):(?: +(.*))?")
_HASH = re.compile(r"[0-9a-f]+")
WRITE = "write it again with: drdl model-card"


@dataclass(frozen=True)
class ModelCard:
    """A card and where it lies."""

    path: Path
    said: Mapping[str, str]  # what stands between the lines "---"

    @property
    def folder(self) -> Path:
        """The model's."""
        return self.path.parent

    def file(self, key: str) -> Path:
        """The file that a key names."""
        return self.folder / self.said[key]

    @property
    def is_here(self) -> bool:
        """Whether its weights lie beside it; else caffemodel_url says where."""
        return exists(self.file("caffemodel"))

    def faults(self) -> list[str]:
        """What is not as the card says, a line each."""
        found = []
        for key in (key for key in FILES if self.said.get(key)):
            path = self.file(key)
            if not exists(path):
                if key != "caffemodel" or not self.said.get("caffemodel_url"):
                    found.append(f"{path} is not there")
                continue
            told = self.said.get(f"{key}_sha256")
            if told and (made := file_sha256(path)) != told:
                found.append(f"{path} has SHA-256 {made}, its card says {told}")
            told = self.said["sha1"] if key == "caffemodel" else ""
            if told and (made := file_sha1(path)) != told:
                found.append(f"{path} has SHA-1 {made}, its card says {told}")
        return found


def file_sha1(path: Path) -> str:
    """The SHA-1 of a file, by which Caffe's zoo tells weights.

    Raises:
        InputError: it cannot be read.
    """
    digest = hashlib.sha1(usedforsecurity=False)
    with open_bytes(path, "a caffemodel", "check the path") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def read_card(path: Path) -> ModelCard:
    """Reads a card.

    Raises:
        InputError: it cannot be read, lacks what it must say, says something twice, or
            names files that lie elsewhere.
    """
    lines = read_text(path, "the card", "check the path").splitlines()
    if lines[:1] != ["---"] or "---" not in lines[1:]:
        what = "the card does not begin with lines between two lines '---'"
        raise InputError(what, path, WRITE)
    said: dict[str, str] = {}
    for number, line in enumerate(lines[1 : lines.index("---", 1)], 2):
        match = _LINE.fullmatch(line.rstrip())
        if match is None or match[1] in said:
            what = "is no 'key: value'" if match is None else "is said before"
            raise InputError(f"{line[:80]!r} {what}", f"{path}:{number}", WRITE)
        said[match[1]] = _plain((match[2] or "").strip())
    missing = [key for key in REQUIRED if not said.get(key)]
    if missing:
        raise InputError(f"the card does not say {', '.join(missing)}", path, WRITE)
    for key, value in said.items():
        length = {"sha1": 40}.get(key, 64 if key.endswith("_sha256") else 0)
        if length and not (_HASH.fullmatch(value) and len(value) == length):
            what = f"{key} is {value[:80]!r}, no {length} hexadecimal digits"
            raise InputError(what, path, WRITE)
        if key in FILES and Path(value).name != value:
            what = f"{key} is {value[:80]!r}, no name of a file beside the card"
            raise InputError(what, path, WRITE)
    return ModelCard(path, said)


def _yaml(text: str) -> str:
    """A text as YAML, whose own signs need quotes."""
    plain = re.fullmatch(r"[\w./][^:#\"'\\]*|[a-z]+://[^ #\"'\\]*|", text)
    return text if plain else json.dumps(text, ensure_ascii=False)


def _plain(value: str) -> str:
    """The text of a value in YAML, with quotes or without."""
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value


def cards_in(folder: Path) -> list[Path]:
    """Where the cards of a folder's models are, by their names.

    Raises:
        InputError: there is no such folder, or none in it.
    """
    refuse_no_folder(folder, "check the path")
    if exists(folder / CARD):
        raise InputError("a model's own folder", folder, "name the folder above it")
    paths = sorted(p / CARD for p in files_in(folder, "*") if is_folder(p))
    paths = [path for path in paths if exists(path)]
    if not paths:
        what = f"no model is here: no folder in it has a {CARD}"
        raise InputError(what, folder, "name another folder, or write a card with: "
                         "drdl model-card")  # fmt: skip
    return paths


def make_model(
    training: Path,
    net: Path,
    results: Sequence[Path],
    *,
    name: str,
    data: str,
    command: str,
    model_license: str,
    url: str = "",
) -> dict[str, bytes]:
    """The files of a model by their names, its card among them.

    Args:
        training: folder of `drdl train`, or a caffemodel.
        net: its deploy net, with preprocess.json beside it.
        results: what `eval_*.py --json` wrote of it.
        name: what it is called.
        data: what it was trained on.
        command: by which it was.
        model_license: of the weights.
        url: where they are to be had; empty where they lie beside the card alone.

    Raises:
        InputError: a file cannot be read, or a result is of other weights or of
            another net.
    """
    weights = _weights(training)
    said = {"name": name, "caffemodel": weights.name, "caffemodel_url": url,
            "license": model_license}  # fmt: skip
    made = {"caffemodel": weights, "deploy": net, "preprocess": _beside(net)}
    content = {path.name: read_bytes(path, f"the {key}", "check the path")
               for key, path in made.items()}  # fmt: skip
    hashes = {f"{key}_sha256": hashlib.sha256(content[path.name]).hexdigest()
              for key, path in made.items()}  # fmt: skip
    said["sha1"] = hashlib.sha1(
        content[weights.name], usedforsecurity=False
    ).hexdigest()
    said |= {"caffe_commit": CAFFE_COMMIT}
    said |= {key: path.name for key, path in made.items() if key != "caffemodel"}
    scored = [found for path in results for found in _of_this(path, hashes)]
    said |= {**hashes, "measure": measure(scored[0])}
    # The card last: it tells of all others.
    return {**content, CARD: card_text(said, data, command, scored).encode()}


def _weights(training: Path) -> Path:
    """The last caffemodel of a training's folder, or the file itself."""
    if not is_folder(training):
        return training
    found = [
        (int(match[1]), path)
        for path in files_in(training, "*.caffemodel*")
        if (match := re.search(r"_iter_(\d+)\.caffemodel", path.name))
    ]
    if not found:
        what = "the folder has no caffemodel of a training"
        raise InputError(what, training, "train first, or name the .caffemodel")
    return max(found)[1]


def _beside(net: Path) -> Path:
    path = net.with_name("preprocess.json")
    if not exists(path):
        what = "the net has no preprocess.json, which says how its images are made"
        raise InputError(what, net, "name a net that tools/make_nets.py wrote")
    return path


def _of_this(path: Path, hashes: Mapping[str, str]) -> list[Result]:
    """The results of a file that are of this net and these weights."""
    results = read_results(Result, path)
    of_weights = [
        result
        for result in results
        if result.features.weights_sha256 == hashes["caffemodel_sha256"]
    ]
    if not of_weights:
        what = "the results are of other weights: their SHA-256 is another"
        raise InputError(what, path, "evaluate this net's features, and name that JSON")
    if any(r.features.net_sha256 != hashes["deploy_sha256"] for r in of_weights):
        what = "the results are of another net: its SHA-256 is another"
        raise InputError(what, path, "name with --net the one that made the features")
    return of_weights


def card_text(
    said: Mapping[str, str], data: str, command: str, results: Sequence[Result]
) -> str:
    """The text of a card.

    Args:
        said: its keys.
        data: what the net was trained on.
        command: by which it was.
        results: what it scores.
    """
    head = "".join(
        f"{key}: {_yaml(value)}".rstrip() + "\n" for key, value in said.items()
    )
    shown = "\n".join(
        f"{result.WORD} on {result.data}, by {result.compared_by}:\n\n"
        f"{to_markdown(terminal_table([result]))}"
        for result in results
    )
    fence = "```"
    while fence in command:
        fence += "`"
    return (
        f"---\n{head}---\n\n# {said['name']}\n\n"
        f"Trained on {data}:\n\n{fence}text\n{command}\n{fence}\n\n"
        f"Evaluated by pydrdl {__version__}; behind ± stands the standard deviation "
        f"over repeats.\n\n{shown}"
    )


def measure(result: Result) -> str:
    """The first rate of a result, with its spread."""
    first = next(value for value in result.shown() if value.kind == "rate")
    spread = "" if first.std is None else f" ± {rate(first.std)}"
    number = "" if first.value is None else rate(float(first.value))
    return f"{first.title} {number}{spread} on {result.data}"
