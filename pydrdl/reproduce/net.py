"""Which net a step trains: of what build, with which changes, from which seed."""

from dataclasses import dataclass

from pydrdl import paper

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
        structure: a folder that make_nets.py writes, such as "ccl".
        seed: of the first weights and of the batches.
        change: name of what is changed, for files; "" for nothing.
        options: the change, as make_nets.py takes it.
    """

    structure: str
    seed: int
    change: str = ""
    options: tuple[str, ...] = ()

    @property
    def learns_vehicles(self) -> bool:
        """Whether an embedding loss trains it, not only a softmax over models."""
        return self.structure in STRUCTURES.values()

    @property
    def folder(self) -> str:
        """Names the net's prototxt files, which one command writes for all."""
        kind = "nets" if self.learns_vehicles else "softmax_nets"
        return f"{kind}/{self._change('', '/')}seed{self.seed}"

    @property
    def step(self) -> str:
        """Names its training among steps."""
        return f"{self.structure}/{self._change('', '/')}seed{self.seed}"

    @property
    def file(self) -> str:
        """Names its training among files."""
        return f"{self.structure}{self._change('_', '')}_seed{self.seed}"

    def _change(self, before: str, after: str) -> str:
        return f"{before}{self.change}{after}" if self.change else ""
