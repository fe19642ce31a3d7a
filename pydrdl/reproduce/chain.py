"""Which net a step trains: on what, of what build, with which changes, which seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydrdl import paper
from pydrdl.reproduce import training
from pydrdl.reproduce.setting import Setting, Source
from pydrdl.reproduce.steps import Step

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


# The steps from data to features, every one once.


class Chain:
    """Collects steps, each with all that it needs before it.

    Args:
        setting: from what, and at which size.

    Attributes:
        steps: what has been asked for, in an order that can be run.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.steps: list[Step] = []

    def data(self, source: Source) -> Step:
        """A data set, drawn where none is given, and checked."""
        after = []
        if source.renderer:
            tool, *options = source.renderer
            drawn = (source.root, "--preset", self.setting.render, *options)
            name = f"{source.prefix}render"
            after = [self.add(name, source.root, [], tool, *drawn)]
        output = self.setting.work / "results" / f"{source.prefix}data.json"
        words = ("check", source.root, "--json", output)
        return self.add(f"{source.prefix}check", output, after, "dataset.py", *words)

    def lmdb(self, net: Net) -> Step:
        """The image LMDB that a net learns from."""
        s, source = self.setting, net.source
        return self.add(
            f"lmdb/{net.lmdb}", s.work / f"{net.lmdb}_lmdb", [self.data(source)],
            "build_lmdb.py", source.root, s.work / f"{net.lmdb}_lmdb",
            "--split", source.training, "--size", s.side,
            *(() if net.learns_vehicles else source.options),
        )  # fmt: skip

    def nets(self, net: Net) -> Step:
        """The prototxt files of a net and of others with the same change."""
        s, folder = self.setting, self.setting.work / net.folder
        lmdb, longer = self.lmdb(net), net.source.longer
        # Written last, so that it tells a whole set of files.
        output = folder / "googlenet_softmax" / "solver.prototxt"
        return self.add(
            net.folder, output, [lmdb],
            # What another recipe, or a run that was killed, has left.
            "make_nets.py", "--overwrite", "--output", folder, "--base", s.base,
            "--train", lmdb.output, "--seed", net.seed,
            "--max-iter", longer * s.iterations, "--stepsize", longer * s.stepsize,
            "--snapshot", longer * s.snapshot, *net.options,
        )  # fmt: skip

    def trained(self, net: Net) -> Step:
        """A trained net, with its snapshots."""
        after = [self.lmdb(net), self.nets(net)]
        solver = self._prototxt(net, "solver")
        output, gpu = self.run(net), self.setting.gpu
        weights, given = None, self.setting.weights
        if given is not None and net.structure != "googlenet_softmax":
            weights = self.setting.work / "start" / f"{net.file}.caffemodel"
            start = self.add(
                f"start/{net.step}", weights, after[1:], "init_weights.py",
                given, self._prototxt(net, "train_val"), weights, files=(given,),
            )  # fmt: skip
            after.append(start)
        return self._keep(
            Step(
                f"train/{net.step}",
                training.command(solver, weights=weights, gpu=gpu),
                output,
                tuple(step.name for step in after),
                action=lambda log: training.train_into(
                    solver, output, weights=weights, gpu=gpu
                ),
                amount=net.source.longer * self.setting.iterations,
            )
        )

    def features(
        self,
        net: Net,
        split: str,
        iteration: int | None = None,
        *,
        source: Source | None = None,
    ) -> Step:
        """Features of a split, by a snapshot or by the trained net.

        Args:
            net: which one.
            split: of the source.
            iteration: of the snapshot; None: the last.
            source: the data set; None: the one that the net learned from.
        """
        s, of = self.setting, source or net.source
        last = s.iterations * net.source.longer
        iteration = iteration or last
        mark = "" if iteration == last else f"iter_{iteration}"
        on = split if of == net.source else f"{of.name}_{split}"
        names = [name for name in (net.file, mark, on) if name]
        output = s.work / "features" / f"{'_'.join(names)}.h5"
        weights = f"{net.structure}_iter_{iteration}.caffemodel"
        return self.add(
            "/".join(["features", net.step, *names[1:]]), output,
            [self.data(of), self.trained(net)],
            "extract_features.py", of.root, output, "--split", split,
            "--net", self._prototxt(net, "deploy"),
            "--weights", self.run(net) / weights,
            *(["--gpu", s.gpu] if s.gpu else []),
        )  # fmt: skip

    def run(self, net: Net) -> Path:
        """The folder of a training."""
        return self.setting.work / "runs" / net.file

    def add(
        self,
        name: str,
        output: Path,
        after: Sequence[Step],
        tool: str,
        *words: object,
        files: tuple[Path, ...] = (),
    ) -> Step:
        """A step that runs one of the tools; the one that is there by this name."""
        command = ("python", str(self.setting.tools / tool), *map(str, words))
        names = tuple(step.name for step in after)
        return self._keep(Step(name, command, output, names, files))

    def _keep(self, step: Step) -> Step:
        if all(step.name != known.name for known in self.steps):
            self.steps.append(step)
        return step

    def _prototxt(self, net: Net, name: str) -> Path:
        return self.setting.work / net.folder / net.structure / f"{name}.prototxt"
