"""Values that programs trip over, for every field that holds a number or a word."""

import random
from collections.abc import Sequence

# None that a net could be asked for in earnest and that would take long.
WHOLE = (
    0, 1, -1, 2, 3, 7, 255, 65_536, 2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**32,
    2**63 - 1, 2**63, -(2**63), 10**30,
)  # fmt: skip
REAL = (
    0.0, -0.0, 0.5, -0.5, 1.0, 7.5, -3.0, 1e-45, 1e-30, 3.4e38, 1e39, 1e308,
    float("inf"), float("-inf"), float("nan"),
)  # fmt: skip
# As text, where a number or a name is wanted.
WORDS = (
    "", " ", "0", "-1", "1e400", "NaN", "nan", "inf", "0x10", "1_000", "9" * 400,
    "\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT THREE}", "true", "None", ".", "..",
    "a/b", "no/such/file", "photos", "/", "~", "-", "--", "--help", "\u8f66",
    "\N{RIGHT-TO-LEFT OVERRIDE}", "\x1b[31mred", "\x1b]0;title\x07", "\x9b2J", "\0",
    "\r", "\t", "a b", '"', "'", "{", "}", "%s%n", "x" * 300, "y" * 5000, "\ufeff", "#",
)  # fmt: skip


def whole(rng: random.Random, low: int, high: int) -> int:
    """A whole number that trips, of those that the type can hold."""
    return rng.choice([n for n in WHOLE if low <= n <= high])


def real(rng: random.Random) -> float:
    """A real number that trips."""
    return rng.choice(REAL)


def word(rng: random.Random, known: Sequence[str] = ()) -> str:
    """A word that trips: one that means something elsewhere, or nothing at all."""
    if known and rng.random() < 0.5:
        return rng.choice(known)
    return rng.choice(WORDS)


def near(value: float, rng: random.Random) -> float:
    """A number beside the one that stands there."""
    if isinstance(value, int):  # which may have more digits than a float holds
        return rng.choice((value + 1, value - 1, -value, value * 2, value * 1000))
    return rng.choice((value + 1, value - 1, -value, value * 2, value / 2, value * 1e3))
