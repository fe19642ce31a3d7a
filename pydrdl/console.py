"""What a tool shows on a terminal, whatever stands in the text.

Names of files, lists and logs come from outside: on these consoles they can
neither colour, move nor rewrite anything, and no name is too odd to be shown.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from pydrdl.system_errors import cannot_write
from pydrdl.visible import is_visible, visible

STDOUT = "standard output"


class Console(RichConsole):
    """A console on which text is text: no escape sequences, markup or emoji."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As its base does, with control characters written out."""
        if isinstance(renderable, str):
            renderable = visible(renderable)
        elif isinstance(renderable, Text) and not is_visible(renderable.plain):
            shown = renderable.copy()
            shown.plain = visible(renderable.plain)
            renderable = shown
        return super().render(renderable, options)

    def render_str(self, text: str, **options: Any) -> Text:
        """As its base does, with control characters written out."""
        return super().render_str(visible(text), **options)

    def print(self, *objects: Any, **options: Any) -> None:
        """As its base does.

        Raises:
            InputError: stdout cannot be written. Where stderr cannot, nobody
                could be told.
        """
        try:
            super().print(*objects, **options)
        except OSError as error:
            self.give_up()
            if not self.stderr:
                raise cannot_write("the output", STDOUT, error) from error

    def write(self, text: str) -> None:
        """Writes text as it is, and all that Python holds back.

        Raises:
            InputError: stdout cannot be written.
        """
        with self._written():
            self.file.write(text)
            self.file.flush()

    def flush(self) -> None:
        """Writes what Python still holds back.

        Raises:
            InputError: stdout cannot be written.
        """
        with self._written():
            self.file.flush()

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self.give_up()
        except OSError as error:
            self.give_up()
            raise cannot_write("the output", STDOUT, error) from error

    def on_broken_pipe(self) -> None:
        """Goes on without a reader, as of `| head`: files are still to be written."""
        self.give_up()

    def give_up(self) -> None:
        """Sends all further output to nowhere, what Python holds back included."""
        with suppress(OSError), open(os.devnull, "wb") as nothing:  # noqa: PTH123
            os.dup2(nothing.fileno(), self.file.fileno())
