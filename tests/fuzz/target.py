"""A file that is spoilt, and the command that then reads it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands import ROOT

from fuzz import damage, damage_arrays
from fuzz.corpus import CAFFE
from fuzz.damage import Damage

SCRIPTS = Path(__file__).parent / "pycaffe"
# Ways to spoil each form, repeated where they should come often.
BYTES = (damage.bytes_changed, damage.cut_off)
TEXT = (*BYTES, damage.lines_changed, damage.lines_changed)
JSON = (*BYTES, damage.json_changed, damage.json_changed, damage.json_changed)
HDF5 = (*BYTES, damage_arrays.hdf5_changed, damage_arrays.hdf5_changed)
PICTURE = (*BYTES, damage_arrays.picture_changed)


@dataclass(frozen=True)
class Target:
    """A file and a command that reads it.

    Attributes:
        kind: of the file, a row of the table.
        file: in the corpus; a copy of it is spoilt.
        ways: to spoil it, all equally likely.
        command: a tool, caffe, or a script of pycaffe/, and its words.
        needs: what else it reads, in the corpus.
        output: file or folder that a refusal must not leave.
        result: the file's checksum covers all that this output says.
        sealed: the file's checksum covers every byte: no damage may be accepted.
        checks: the command's task is to find faults.
        endless: what is spoilt may say how long the command runs.
    """

    kind: str
    file: str
    ways: tuple[Damage, ...]
    command: str
    needs: str = ""
    output: str = ""
    result: str = ""
    sealed: bool = False
    checks: bool = False
    endless: bool = False

    @property
    def name(self) -> str:
        """Tells it from the others; no slash in it."""
        how = "" if set(self.ways) & set(BYTES) else "written anew, "
        return f"{self.file}: {how}{self.command}".replace("/", "|")

    @property
    def argv(self) -> list[str]:
        """The command as a process gets it."""
        name, *words = self.command.split()
        if name == "caffe":
            return [str(CAFFE), *words]
        folder = SCRIPTS if name.startswith("pycaffe_") else ROOT / "tools"
        return [str(folder / name), *words]


def each(
    kind: str, file: str, ways: tuple[Damage, ...], *commands: str, **more: Any
) -> Iterable[Target]:
    """A target for each command; more as of Target."""
    for command in commands:
        yield Target(kind, file, ways, command, **more)
