"""Queries that have an address of their own, and what was said of what they found.

A query is the part of a photograph that was asked with, made anew without metadata,
its box and its features: to open its address again takes no net. Feedback is a line
of JSON a verdict, the last of which counts; it is exported as pairs.
"""

import csv
import hashlib
import io
import os
import re
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pydrdl.arrays import Float32, Pixels
from pydrdl.datasets.images import cut_out
from pydrdl.errors import InputError, writing
from pydrdl.files import is_file, read_bytes, renamed
from pydrdl.gallery.folder import FEEDBACK
from pydrdl.gallery.query import Box
from pydrdl.pictures import jpeg_of
from pydrdl.strict_json import Form, declared, parse

MOST_QUERIES = 2_000  # the oldest go
SIDE = 1024  # pixels of a kept photograph's longer side
QUALITY = 85  # of JPEG
QUERIES = "queries"
DIGITS = 32  # of a kept query's id; a row's has 16
_ID = re.compile(rf"[0-9a-f]{{{DIGITS}}}")
LOST = "search again with the photograph"


def is_kept(name: str) -> bool:
    """Whether an id is that of a kept query; others are rows' ids, or none."""
    return _ID.fullmatch(name) is not None


def digest_of(data: bytes, box: Box | None) -> str:
    """The id of a photograph and the box in it: the same have the same."""
    return hashlib.sha256(data + repr(box).encode()).hexdigest()[:DIGITS]


class KeptQuery(NamedTuple):
    """A query that was kept."""

    id: str
    vector: Float32
    box: Box | None


class _Said(Form):
    box: tuple[int, int, int, int] | None


class Verdict(Form):
    """What a user says of a query and a row that it found."""

    query: str  # id of a kept query, or of a row that was asked with
    row: str
    same: bool
    time: float


class KeptQueries:
    """The queries in a folder, which is made when there is one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / QUERIES
        self._lock = threading.Lock()  # two may ask with one photograph at once

    def keep(
        self, data: bytes, pixels: Pixels, box: Box | None, vector: Float32
    ) -> KeptQuery:
        """Keeps a query; the same photograph and box has the same id."""
        digest = digest_of(data, box)
        kept = KeptQuery(digest, vector, box)
        said = _Said(box=box).model_dump_json().encode()
        part = pixels if box is None else cut_out(pixels, box)
        memory = io.BytesIO()
        np.save(memory, vector, allow_pickle=False)
        with self._lock, writing("the query", self._folder):
            if is_file(self._folder / f"{digest}.json"):
                return kept
            self._folder.mkdir(exist_ok=True)
            # The JSON file is last: with it, all of the query is there.
            for ending, content in (
                (".jpg", jpeg_of(part, SIDE, QUALITY)),
                (".npy", memory.getvalue()),
                (".json", said),
            ):
                with renamed(self._folder / f"{digest}{ending}") as file:
                    file.write_bytes(content)
            self._forget()
        return kept

    def get(self, name: str) -> KeptQuery | None:
        """A query by its id; None where it is not, or no more."""
        if not is_kept(name) or not is_file(self._folder / f"{name}.json"):
            return None
        try:
            said = declared(_Said, _tupled(parse(self._read(name, ".json"))))
            memory = io.BytesIO(self._read(name, ".npy"))
            vector = np.load(memory, allow_pickle=False)
        except (ValueError, InputError):  # damaged, or just deleted
            return None
        return KeptQuery(name, np.asarray(vector, np.float32), said.box)

    def photograph(self, name: str) -> bytes | None:
        """The JPEG of a query; None where it is not, or no more."""
        if not is_kept(name) or not is_file(self._folder / f"{name}.jpg"):
            return None
        return self._read(name, ".jpg")

    def _read(self, name: str, ending: str) -> bytes:
        return read_bytes(self._folder / f"{name}{ending}", "a query", LOST)

    def _forget(self) -> None:
        said = [(p.stat().st_mtime, p) for p in self._folder.glob("*.json")]
        for _, path in sorted(said)[:-MOST_QUERIES]:
            for ending in (".json", ".npy", ".jpg"):
                with suppress(OSError):
                    path.with_suffix(ending).unlink()


class Feedback:
    """Verdicts in a file that only grows."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FEEDBACK
        self._lock = threading.Lock()

    def say(self, query: str, row: str, same: bool) -> Verdict:
        """Adds a verdict; once this returns, no kill loses it.

        Raises:
            InputError: it cannot be written.
        """
        verdict = Verdict(query=query, row=row, same=same, time=time.time())
        with self._lock, writing("feedback", self._path), self._path.open("ab") as file:
            file.write(verdict.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return verdict

    def verdicts(self) -> dict[tuple[str, str], bool]:
        """The last word on each pair of a query and a row."""
        found: dict[tuple[str, str], bool] = {}
        if is_file(self._path):
            data = read_bytes(self._path, "feedback", "delete the file")
            for line in data.splitlines():
                with suppress(ValueError):  # one that a kill has cut off
                    said = declared(Verdict, parse(line))
                    found[said.query, said.row] = said.same
        return found

    def pairs(self, names: dict[str, str]) -> str:
        """All of it as CSV, a pair a line; names are the rows' paths by id."""
        out = io.StringIO()
        lines = csv.writer(out, lineterminator="\n")
        lines.writerow(["first", "second", "same"])
        for (query, row), same in self.verdicts().items():
            kept = f"{QUERIES}/{query}.jpg" if is_kept(query) else query
            first = names.get(query, kept)
            lines.writerow([_plain(first), _plain(names.get(row, row)), int(same)])
        return out.getvalue()


def _plain(text: str) -> str:
    """A name of which no spreadsheet makes a formula."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text


def _tupled(content: object) -> object:
    """JSON's list of a box as the tuple that it is."""
    if isinstance(content, dict) and isinstance(content.get("box"), list):
        return content | {"box": tuple(content["box"])}
    return content
