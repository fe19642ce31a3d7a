"""The steps from data to trained nets and their features, every one once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydrdl.reproduce.setting import FOLDS, Setting, TrainedNet, TrainingData
from pydrdl.reproduce.steps import Step

Nets = Sequence[tuple[str, TrainedNet]]  # by the row of the method in tables

TRAIN = "train/"  # how the names of trainings begin


class TrainingSteps:
    """Collects steps, each with all that it needs before it.

    Attributes:
        steps: what has been asked for, in an order that can be run.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.steps: list[Step] = []

    def nets_at_a_time(self) -> int:
        """The most nets that could be trained at a time; 1 where none is trained."""
        # By how many trainings one another's weights come from.
        depths = dict[str, int]()
        nets = Counter[int]()
        for step in self.steps:
            depth = max((depths[name] for name in step.after), default=0)
            if step.name.startswith(TRAIN):
                nets[depth] += 1
                depth += 1
            depths[step.name] = depth
        return max(nets.values(), default=1)

    def _features(
        self,
        net: TrainedNet,
        split: str,
        iteration: int | None = None,
        data: TrainingData | None = None,
    ) -> Step:
        """Features of a split of data, by default of what the net learned from.

        They are of a snapshot at an iteration, or of the trained net; of a net that
        is not trained, of its first weights.
        """
        s, of = self.setting, data or net.data
        last = net.data.iterations
        iteration = iteration or last
        mark = "" if iteration == last else f"iter_{iteration}"
        on = split if of == net.data else f"{of.name}_{split}"
        names = [name for name in (net.file, mark, on) if name]
        output = s.work / "features" / f"{'_'.join(names)}.h5"
        if net.trained:
            made = self._trained(net)
            weights: tuple[object, ...] = (
                "--weights",
                self._run(net) / self._weights(net, iteration),
            )
        else:
            made = self._nets(net)
            weights = ("--untrained", net.seed)
        return self._add(
            "/".join(["features", net.step, *names[1:]]), output,
            [self._data(of), made],
            "extract_features.py", of.root, output, "--split", split,
            "--net", self._prototxt(net, "deploy"), *weights,
            *_images(of), *self._gpu(),
        )  # fmt: skip

    def _trained(self, net: TrainedNet) -> Step:
        """A trained net, with its snapshots."""
        after = [self._lmdb(net), self._nets(net)]
        words = ["--solver", str(self._prototxt(net, "solver"))]
        if started := self._start(net, after[1]):
            after.append(started)
            words += ["--weights", str(started.output)]
        words += self._gpu()
        return self._add(
            f"{TRAIN}{net.step}", self._run(net), after,
            "train.py", "--output", self._run(net), *words,
            amount=net.data.iterations,
            known_as=("caffe", "train", *words),
        )  # fmt: skip

    def _start(self, net: TrainedNet, nets: Step) -> Step | None:
        """The weights that a net starts from; None for random ones."""
        given, after, options = net.start.weights, [nets], list[str]()
        if source := net.start.source:
            # Its classifier is of other models.
            after, options = [nets, self._trained(source)], ["--skip-mismatch"]
            given = self._run(source) / self._weights(source)
        if given is None or net.structure == "googlenet_softmax":
            return None
        start = self.setting.work / "start" / f"{net.file}.caffemodel"
        return self._add(
            f"start/{net.step}", start, after, "init_weights.py",
            given, self._prototxt(net, "train_val"), start, *options,
            files=() if net.start.source else (given,),
        )  # fmt: skip

    def _weights(self, net: TrainedNet, iteration: int | None = None) -> str:
        """The name of a snapshot's caffemodel, of the last one by default."""
        return f"{net.structure}_iter_{iteration or net.data.iterations}.caffemodel"

    def _nets(self, net: TrainedNet) -> Step:
        """The prototxt files of a net and of others with the same change."""
        s, folder = self.setting, self.setting.work / net.folder
        lmdb, lasts = self._lmdb(net), net.data.iterations
        step, snapshot = (
            lasts * part // s.iterations for part in (s.stepsize, s.snapshot)
        )
        # Written last, so that it tells a whole set of files.
        output = folder / "googlenet_softmax" / "solver.prototxt"
        return self._add(
            net.folder, output, [lmdb],
            # What another recipe, or a run that was killed, has left.
            "make_nets.py", "--overwrite", "--output", folder, "--base", s.base,
            "--train", lmdb.output, "--seed", net.seed,
            "--max-iter", lasts, "--stepsize", step, "--snapshot", snapshot,
            *net.start.options, *net.options,
        )  # fmt: skip

    def _lmdb(self, net: TrainedNet) -> Step:
        """The image LMDB that a net learns from."""
        data, output = net.data, self.setting.work / f"{net.lmdb}_lmdb"
        return self._add(
            f"lmdb/{net.lmdb}", output, [self._data(data)],
            "build_lmdb.py", data.root, output,
            "--split", data.training, "--size", data.side,
            *(() if net.learns_vehicles else data.options), *_images(data),
        )  # fmt: skip

    def _data(self, data: TrainingData) -> Step:
        """A data set, drawn where none is given, and checked."""
        if data.photographs is not None:
            return self._lists(data)
        after = []
        if data.renderer:
            tool, *options = data.renderer
            drawn = (data.root, "--preset", self.setting.render, *options)
            after = [self._add(f"{data.prefix}render", data.root, [], tool, *drawn)]
        output = self._results(f"{data.prefix}data")
        words = ("check", data.root, "--json", output)
        return self._add(f"{data.prefix}check", output, after, "dataset.py", *words)

    def _lists(self, data: TrainingData) -> Step:
        """Image lists of photographs, of a fold and of all other vehicles."""
        (tool,), folder = data.renderer, data.root.parent
        # Written last, so that it tells both lists.
        return self._add(
            f"lists/{folder.name}", folder / "test.txt", [], tool,
            data.photographs, "--overwrite", "--output", folder,
            "--folds", FOLDS, "--fold", folder.name.removeprefix("fold"),
        )  # fmt: skip

    def _evaluate(
        self,
        tool: str,
        name: str,
        nets: Nets,
        split: str,
        iteration: int | None = None,
        data: TrainingData | None = None,
        options: tuple[str, ...] = (),
    ) -> Path:
        """Results of nets; returns the file."""
        features = [self._features(net, split, iteration, data) for _, net in nets]
        mark, step = mark_of(nets), name.replace("_", "/", 1)
        output = self._results(mark + name)
        return self._add(
            f"{mark.replace('_', '/')}{step}", output, features,
            tool, *(step.output for step in features), *named(nets),
            "--repeats", self.setting.repeats, *options, "--json", output,
        ).output  # fmt: skip

    def _add(
        self,
        name: str,
        output: Path,
        after: Sequence[Step],
        tool: str,
        *words: object,
        files: tuple[Path, ...] = (),
        amount: int = 1,
        known_as: tuple[str, ...] = (),
    ) -> Step:
        """A step that runs one of the tools, unless one of this name is there."""
        command = ("python", str(self.setting.tools / tool), *map(str, words))
        names = tuple(step.name for step in after)
        step = Step(name, command, output, names, files, amount, known_as)
        if all(name != known.name for known in self.steps):
            self.steps.append(step)
        return step

    def _results(self, name: str) -> Path:
        return self.setting.work / "results" / f"{name}.json"

    def _run(self, net: TrainedNet) -> Path:
        """The folder of a training."""
        return self.setting.work / "runs" / net.file

    def _prototxt(self, net: TrainedNet, name: str) -> Path:
        return self.setting.work / net.folder / net.structure / f"{name}.prototxt"

    def _gpu(self) -> list[str]:
        return ["--gpu", self.setting.gpu] if self.setting.gpu else []


def _images(data: TrainingData) -> list[object]:
    """Where the images of an image list are."""
    return [] if data.photographs is None else ["--root", data.photographs]


def mark_of(nets: Nets) -> str:
    """What tells results from those of nets with another start; "" or ending in _."""
    first, *others = {net.start.name for _, net in nets}
    return f"{first}_" if first and not others else ""


def named(nets: Nets) -> list[object]:
    """What evaluations call nets: their methods, and the seeds of their trainings."""
    seeds = each("--training-seed", (net.seed for _, net in nets))
    return [*each("--name", (row for row, _ in nets)), *seeds]


def each(option: str, values: Iterable[object]) -> list[object]:
    """The option before every value."""
    return [word for value in values for word in (option, value)]
