r"""Text that may hold anything, made fit for a terminal.

Names of files, lines of lists and logs may hold escape sequences, which would
move the cursor, recolour or rewrite what is shown. A control character is
written as Python writes it, such as \x1b.
"""

import re

# C0 but for tab and line feed, DEL and C1; the two separators that break lines;
# marks that turn the direction of writing; halves of surrogate pairs, which
# stand for bytes of names that are not UTF-8.
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff]"
)


def visible(text: str) -> str:
    """The text with every control character and surrogate escaped."""
    return _UNFIT.sub(_escaped, text)


def is_visible(text: str) -> bool:
    """Whether visible() leaves the text as it is."""
    return _UNFIT.search(text) is None


def shortened(text: str, most: int = 4000) -> str:
    """The text, or its beginning and end where it is longer."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]} ... {text[-most // 4 :]} ({len(text):,} characters)"


def _escaped(match: re.Match[str]) -> str:
    return repr(match[0])[1:-1]
