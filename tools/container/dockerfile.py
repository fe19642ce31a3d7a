"""The steps of a Dockerfile, as far as ours goes."""

import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

KNOWN = ("FROM", "SHELL", "ARG", "ENV", "WORKDIR", "COPY", "RUN", "USER", "CMD")


class Step(NamedTuple):
    """An instruction with the number of its line."""

    line: int
    name: str
    text: str


def steps(path: Path) -> list[Step]:
    """The instructions of a Dockerfile.

    Raises:
        ValueError: one that is not known here, or in a form that is not.
    """
    found: list[Step] = []
    begun, text = 0, ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not text and (not line.strip() or line.startswith("#")):
            continue
        begun = begun or number
        text += line.removesuffix("\\")
        if line.endswith("\\"):
            continue
        match = re.fullmatch(r"([A-Z]+)\s+(.*)", text.strip())
        if match is None or match[1] not in KNOWN:
            raise ValueError(f"{path}:{begun}: {text[:80]!r} is not known here")
        found.append(Step(begun, match[1], match[2]))
        begun, text = 0, ""
    if not found or found[0].name != "FROM":
        raise ValueError(f"{path}: it does not begin with FROM")
    return found


def runs(path: Path) -> list[str]:
    """What its RUN lines run, but for the one that makes its user."""
    return [step.text for step in steps(path) if step.name == "RUN"]


def words_of(text: str) -> list[str]:
    """The words of CMD or SHELL in JSON, and of other instructions."""
    if not text.startswith("["):
        return shlex.split(text)
    words = json.loads(text)
    if not all(isinstance(word, str) for word in words):
        raise ValueError(f"{text[:80]!r} is no list of words")
    return [*words]
