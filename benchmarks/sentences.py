"""Sentences of the documents that say a number, or compare results.

A sentence is composed of results and of the code, here or in the modules named after
what it is of; the document has it word for word, with line ends where it likes.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from documents import without_tables

_WORDS = dict(
    zip(
        range(1, 13),
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
         "eleven", "twelve"),
        strict=True,
    )
)  # fmt: skip
_CODE = re.compile(r"^```[\s\S]*?^```$|^    .*$", re.MULTILINE)
# A name in code, where a link leads, and what a number is only the name of.
NAMES = re.compile(
    r"`[^`]*`|\]\([^)]*\)|"
    r"\b(?:Eq|Sec|Tables?|Fig)\.? \d[\d.]*(?:(?:,| and|, and| to) \d[\d.]*)*"
)
# Not within a word, such as VeRi-776, fc7 or V1.0.
_NUMBER = re.compile(r"(?<![\w.-])\.?\d[\w.,]*")


class Said(NamedTuple):
    """A sentence, or the part of one that says a number."""

    text: str
    holds: bool = True  # whether results bear out what its words say of them


def in_words(number: float) -> str:
    """A whole number as running text has it."""
    whole = round(number)
    return _WORDS.get(whole, f"{whole:,}")


def span(numbers: Iterable[float]) -> str:
    """The smallest to the largest, in words."""
    ordered = sorted(map(round, numbers))
    ends = dict.fromkeys((ordered[0], ordered[-1]))
    return " to ".join(map(in_words, ends))


def not_said(document: str, sentences: Iterable[Said]) -> list[str]:
    """Sentences that a document lacks, and those that results do not bear out."""
    text = running(document)
    return [said.text for said in sentences if said.text not in text or not said.holds]


def numbers_outside(document: str, sentences: Iterable[Said]) -> list[str]:
    """Numbers of a document's running text, each with its surroundings.

    Not those of marked tables, of code, of references such as Sec. 5.2, nor of the
    sentences given.
    """
    text = running(document)
    for said in sorted(sentences, key=lambda said: -len(said.text)):
        text = text.replace(said.text, " ")
    text = NAMES.sub(" ", text)
    return [
        text[max(match.start() - 30, 0) : match.end() + 30]
        for match in _NUMBER.finditer(text)
    ]


def running(document: str) -> str:
    """The document without tables and blocks of code, on one line."""
    return " ".join(_CODE.sub("", without_tables(document)).split())
