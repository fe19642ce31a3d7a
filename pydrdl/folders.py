"""A folder that appears only when it is whole, and whose making can go on."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from pydrdl import files
from pydrdl.errors import InputError, writing


class WholeFolder:
    """Where a folder is filled, until it takes its name.

    It is filled under the name `<output>.partial`. What it replaces lies in
    `.<output>.replaced` until it stands: at every moment one of the two is whole on
    the disk, and what a kill leaves of them is put right by the next.

    Args:
        output: the folder to make.
        what: it is in messages, such as "the LMDB".
        kind: the same of any, such as "an image LMDB".
        is_ours: whether something of that name may lie in one. What holds anything
            else is never deleted.
        overwrite: whether what stands there, or what was begun from something else,
            may be deleted; None: who calls has no --overwrite.
        other: what was begun from something else, in messages.
        is_worth: whether a folder so begun holds what would be missed, and is not
            deleted unasked.

    Raises:
        InputError: the output has no name, as "/" has none.
    """

    def __init__(
        self,
        output: Path,
        what: str,
        kind: str,
        is_ours: Callable[[str], bool],
        *,
        overwrite: bool | None = False,
        other: str = "an interrupted build of other images or options",
        is_worth: Callable[[Path], bool] = lambda folder: True,
    ) -> None:
        self.output = Path(output).absolute()  # "." has no name of its own
        if not self.output.name:
            raise InputError("the output exists", output, "name another")
        self.partial = self.output.with_name(f"{self.output.name}.partial")
        # A name that nobody else gives to a folder: it is deleted unasked.
        self._replaced = self.output.with_name(f".{self.output.name}.replaced")
        self._what, self._kind, self._is_ours = what, kind, is_ours
        self._overwrite, self._other, self._is_worth = overwrite, other, is_worth
        self._delete = "delete it" + (
            "" if overwrite is None else ", or pass --overwrite"
        )

    def refuse_existing(self) -> None:
        """Refuses an output that exists, unless it may be overwritten.

        Raises:
            InputError: it exists, or may be overwritten but holds something else.
        """
        with self.writing():
            self._settle()
        if self.output.is_symlink() and not files.exists(self.output):
            what = "the output is a link to what is not there"
            raise InputError(what, self.output, "delete the link, or name another")
        if not files.exists(self.output):
            return
        if not self._overwrite:
            raise InputError("the output exists", self.output, self._delete)
        self._refuse_foreign(self.output)

    def begin(self, plan: str = "", content: bytes = b"") -> None:
        """Makes the folder to fill, or takes up the one that is there.

        Args:
            plan: the file in it that says what it is made from, so that it is never
                completed from something else; without one it is always begun anew.
            content: of that file.

        Raises:
            InputError: it was begun from something else, or cannot be written.
        """
        said = self.partial / plan
        held = "what was interrupted", "delete it"
        if plan and files.is_file(said) and files.read_bytes(said, *held) == content:
            return
        with self.writing():
            if files.exists(self.partial) and any(self.partial.iterdir()):
                self._refuse_foreign(self.partial)
                # What was killed before its plan stood has nothing to lose.
                begun = plan and files.exists(said) and self._is_worth(self.partial)
                if begun and not self._overwrite:
                    advice = f"repeat the command that began it, or {self._delete}"
                    raise InputError(f"{self._other} is here", self.partial, advice)
                shutil.rmtree(self.partial)
            self.partial.mkdir(parents=True, exist_ok=True)
            if plan:
                files.write_bytes(said, content)

    def finish(self) -> None:
        """Gives the folder its name; what stood there is deleted last.

        Raises:
            InputError: it cannot be given.
        """
        with self.writing():
            try:
                if self.output.exists():
                    self.output.rename(self._replaced)
                self.partial.rename(self.output)
                files.sync(self.output.parent)
            finally:
                self._settle()

    def discard(self) -> None:
        """Deletes what was filled and has not taken its name."""
        shutil.rmtree(self.partial, ignore_errors=True)

    def writing(self) -> AbstractContextManager[None]:
        """Turns the system's errors in its block into InputError."""
        return writing(self._what, self.output, "name another output")

    def _settle(self) -> None:
        """Puts right what was left half replaced."""
        if not self._replaced.exists():
            return
        self._refuse_foreign(self._replaced)
        if self.output.exists():
            shutil.rmtree(self._replaced)
        else:
            self._replaced.rename(self.output)

    def _refuse_foreign(self, folder: Path) -> None:
        names = ["a file"]
        if files.is_folder(folder):
            with self.writing():
                names = sorted(path.name for path in folder.iterdir())
        foreign = [name for name in names if not self._is_ours(files.final_name(name))]
        if foreign:
            found = f"not {self._kind}: it holds {', '.join(foreign[:3])}"
            raise InputError(found, folder, "choose another output")
