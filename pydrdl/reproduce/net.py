"""Which net a step trains: on what, of what build, with which changes, which seed."""

from dataclasses import dataclass

from pydrdl import paper
from pydrdl.reproduce.setting import Source

# The nets behind the paper's rows (Tables 4 and 6).
STRUCTURES = {
    paper.VGG_TRIPLET: "triplet",
    paper.VGG_CCL: "ccl",
    paper.MIXED_CCL: "mixed_difference",
}


@dataclass(frozen=True)
class Net:
    """One training.

    Attributes:
        source: what it learns from.
        structure: a folder that make_nets.py writes, such as "ccl".
        seed: of the first weights and of the batches.
        change: name of what is changed, for files; "" for nothing.
        options: the change, as make_nets.py takes it.
    """

    source: Source
    structure: str
    seed: int
    change: str = ""
    options: tuple[str, ...] = ()

    @property
    def learns_vehicles(self) -> bool:
        """Whether an embedding loss trains it, not only a softmax over models."""
        return self.structure in STRUCTURES.values()

    @property
    def lmdb(self) -> str:
        """Names the image LMDB that it learns from."""
        mark = "" if self.learns_vehicles else self.source.mark
        return f"{self.source.prefix}{self.source.training}{mark}"

    @property
    def folder(self) -> str:
        """Names the net's prototxt files, which one command writes for all."""
        kind = "nets" if self.learns_vehicles else "softmax_nets"
        change = f"{self.change}/" if self.change else ""
        return f"{self.source.prefix}{kind}/{change}seed{self.seed}"

    @property
    def step(self) -> str:
        """Names its training among steps."""
        change = f"{self.change}/" if self.change else ""
        return f"{self.source.prefix}{self.structure}/{change}seed{self.seed}"

    @property
    def file(self) -> str:
        """Names its training among files."""
        change = f"_{self.change}" if self.change else ""
        return f"{self.source.prefix}{self.structure}{change}_seed{self.seed}"
