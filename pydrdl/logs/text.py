"""Bytes of a log to its lines, whole or as far as they have been written."""

import codecs

from pydrdl.errors import InputError

MAX_LINE = 1 << 16  # characters; Caffe's own lines have a few hundred
# A file of more text holds more than what Caffe says of iterations.
MAX_BYTES = 1 << 32
# Of a binary file so much is read, in case that lines follow: a hole, say.
MAX_NOISE = 1 << 24
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UNFIT = ("\0", "\N{REPLACEMENT CHARACTER}")


class LineDecoder:
    """Takes a log in pieces of any size, and gives its whole lines.

    UTF-8, or UTF-16 as PowerShell writes it. Null characters are left out: they
    stand in UTF-16 without its mark, and in holes that a crash leaves. A line of
    more than MAX_LINE characters is no line of Caffe's, and is left out too.

    Attributes:
        read: how many bytes were taken.
    """

    def __init__(self) -> None:
        self.read = self._characters = self._unfit = 0
        self._start = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._rest = ""
        self._skips = False

    def feed(self, data: bytes) -> list[str]:
        """The lines that end in these bytes."""
        self.read += len(data)
        if self._decoder is None:
            data = self._start + data
            if len(data) < 2:
                self._start = data
                return []
            encoding = "utf-16" if data.startswith(_UTF16) else "utf-8-sig"
            self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        text = self._decoder.decode(data)
        self._characters += len(text)
        self._unfit += sum(map(text.count, _UNFIT))
        text = text.replace("\0", "")
        first, *others = text.replace("\r", "\n").split("\n")
        lines = [self._rest + first, *others]
        if self._skips:
            lines[0] = ""
        self._rest = lines.pop()
        self._skips = len(self._rest) > MAX_LINE or (self._skips and not others)
        if self._skips:
            self._rest = ""
        return [line for line in lines if len(line) <= MAX_LINE]

    @property
    def is_binary(self) -> bool:
        """Whether what was read is hardly text."""
        return 10 * self._unfit > self._characters

    def refuse_noise(self, where: object) -> None:
        """Ends the search for lines in what is no log.

        Raises:
            InputError: many bytes were read, and they are no text.
        """
        if self.is_binary and self.read > MAX_NOISE:
            raise no_log(where, is_binary=True)


def refuse_huge(size: int, where: object) -> None:
    """Refuses a log that would be read for very long.

    Args:
        size: in bytes.
        where: the log.

    Raises:
        InputError: it is larger than MAX_BYTES.
    """
    if size > MAX_BYTES:
        raise InputError(
            f"a log of {size:,} bytes; more than {MAX_BYTES:,} are not read",
            where,
            "keep the lines that count: grep -aE 'Iteration|net output|Test (loss|"
            "score)|Solving|Resuming|Restoring|Optimization' LOG > SMALLER",
        )


def no_log(where: object, *, is_binary: bool) -> InputError:
    """The error for a file that shows no iteration."""
    give = "give what `caffe train` wrote to stderr, of a solver with display"
    if is_binary:
        return InputError("a binary file, no log of caffe train", where, give)
    what = 'no iteration is shown: no line says "Iteration N, loss = ..."'
    return InputError(what, where, give)
