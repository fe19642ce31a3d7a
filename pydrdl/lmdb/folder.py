"""A folder that appears only when it is whole, and whose making can go on.

Work happens in `<output>.partial/`. Its build.json says what it is made from,
so that it is never completed from something else.
"""

import json
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pydrdl.datasets.dataset import Image, images_sha256
from pydrdl.errors import InputError, writing
from pydrdl.files import (
    exists,
    final_name,
    is_file,
    is_folder,
    read_bytes,
    sync,
    write_bytes,
)
from pydrdl.lmdb import environment, labels, pair_index
from pydrdl.lmdb.environment import AGAIN, DATA, LOCK
from pydrdl.strict_json import Count, Form, Positive, read_declared

BUILD = "build.json"
# All that may stand in an image LMDB's folder; nothing else is ever deleted.
OURS = {
    DATA, LOCK, BUILD,
    labels.FILE_NAME, pair_index.FILE_NAME, environment.CHECKSUMS_FILE,
}  # fmt: skip


class BuildFolder:
    """The folder that an image LMDB is built in.

    Args:
        output: its final name.
        overwrite: whether what stands there, or a partial build of other
            inputs, may be deleted.
    """

    def __init__(self, output: Path, overwrite: bool) -> None:
        self.output = output.absolute()  # "." has no name of its own
        self.partial = self.output.with_name(self.output.name + ".partial")
        # A name that nobody else gives to a folder: it is deleted unasked.
        self.replaced = self.output.with_name(f".{self.output.name}.replaced")
        self.overwrite = overwrite

    def refuse_existing(self) -> None:
        """Refuses an output that exists, unless it may be overwritten.

        Raises:
            InputError: it exists, or it may be overwritten but is no image LMDB.
        """
        with self._writing():
            self._settle()
        if not exists(self.output):
            return
        if not self.overwrite:
            raise InputError(
                "the output exists", self.output, "delete it, or pass --overwrite"
            )
        _refuse_foreign(self.output)

    def start(self, images: Sequence[Image], root: Path, **options: object) -> None:
        """Makes the partial folder, or takes up the one that is there.

        Args:
            images: what is built, in record order.
            root: the folder that their paths are relative to.
            options: how it is built, as JSON can hold it.

        Raises:
            InputError: a partial build of other inputs is there, or the folder
                cannot be written.
        """
        inputs = {
            "images": len(images),
            "images_sha256": images_sha256(images),
            "root": str(Path(root).resolve()),
            **options,
        }
        data = (json.dumps(inputs, indent=1) + "\n").encode()
        build = self.partial / BUILD
        if is_file(build) and read_bytes(build, "the interrupted build", "") == data:
            return
        with self._writing():
            if exists(self.partial) and any(self.partial.iterdir()):
                self._clear(build)
            self.partial.mkdir(parents=True, exist_ok=True)
        self.write(BUILD, data)

    def _clear(self, build: Path) -> None:
        """Deletes a partial build of other inputs, where that is allowed."""
        _refuse_foreign(self.partial)
        # A build that was killed before build.json stood has nothing to lose.
        if exists(build) and not self.overwrite:
            raise InputError(
                "an interrupted build of other images or options is here",
                self.partial,
                "repeat the command that began it, delete it, or pass --overwrite",
            )
        shutil.rmtree(self.partial)

    def write(self, name: str, data: bytes) -> None:
        """Writes a file that is either whole or not there.

        Raises:
            InputError: it cannot be written.
        """
        with self._writing():
            write_bytes(self.partial / name, data)

    def finish(self) -> None:
        """Gives the folder its final name, in the place of what stood there.

        What stood there is deleted last: at every moment one of the two lies
        whole on the disk.

        Raises:
            InputError: it cannot be given.
        """
        with self._writing():
            if self.output.exists():
                self.output.rename(self.replaced)
            self.partial.rename(self.output)
            sync(self.output.parent)
            self._settle()

    def size(self) -> int:
        """Bytes of the finished data.mdb."""
        return (self.output / DATA).stat().st_size

    def _writing(self) -> AbstractContextManager[None]:
        return writing("the LMDB", self.output, "name another output")

    def _settle(self) -> None:
        """Ends what a kill in finish() left: the old folder under another name."""
        if not self.replaced.exists():
            return
        _refuse_foreign(self.replaced)
        if self.output.exists():
            shutil.rmtree(self.replaced)
        else:
            self.replaced.rename(self.output)


class _Build(Form):
    """build.json, as far as it is read."""

    images: Count
    images_sha256: str
    root: str
    size: Annotated[list[Positive], Field(min_length=2, max_length=2)] | None
    jpeg_quality: Count | None
    label: str
    num_models: Count = 0
    model_ids: list[Count] | None = None


def read_build(folder: Path) -> dict[str, Any]:
    """Reads what an image LMDB was built from, and how.

    Returns:
        images, images_sha256, root, and the options of build_image_lmdb: size
        (height, width) or None, jpeg_quality or None, label, num_models, and
        model_ids where another LMDB's labels numbered the models.

    Raises:
        InputError: build.json is missing or damaged.
    """
    path = Path(folder) / BUILD
    content = read_declared(_Build, path, "how the LMDB was built", AGAIN)
    return content.model_dump(exclude_unset=True)


def _refuse_foreign(folder: Path) -> None:
    """Raises InputError where a folder holds what no image LMDB holds."""
    names = {"a file"}
    if is_folder(folder):
        with writing("the LMDB", folder):
            names = {path.name for path in folder.iterdir()}
    foreign = sorted(name for name in names if final_name(name) not in OURS)
    if foreign:
        raise InputError(
            f"not an image LMDB: it holds {', '.join(foreign[:3])}",
            folder,
            "choose another output",
        )
