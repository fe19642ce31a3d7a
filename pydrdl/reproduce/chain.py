"""The steps from data to the paper's tables, every one once."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydrdl import paper
from pydrdl.datasets.compcars import LEVELS
from pydrdl.reproduce.setting import (
    COMPCARS,
    STRUCTURES,
    TRAINING_LOG,
    VEHICLEID,
    Setting,
    TrainedNet,
    TrainingData,
)
from pydrdl.reproduce.steps import Step

Nets = Sequence[tuple[str, TrainedNet]]  # by the row of the method in tables

# Classifiers of vehicle models (of car models, from CompCars) with Joint
# Bayesian on top (Fig. 10).
BASELINES = {
    paper.VGG_JB: (VEHICLEID, "vgg_softmax"),
    paper.GOOGLENET_JB: (VEHICLEID, "googlenet_softmax"),
    paper.COMPCARS_JB: (COMPCARS, "googlenet_softmax"),
}
# Rows of Table 3 by how pairs are compared; nets of one seed, as all classifiers.
VERIFIERS = {paper.GOOGLENET_SVM: "svm", paper.GOOGLENET_JB: "joint-bayesian"}
VERIFIED = (paper.VGG_TRIPLET, paper.MIXED_CCL)

# What the paper leaves open, changed (docs/choices.md): for files' names, and as
# make_nets.py takes it.
CHANGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "margin 0.5": ("margin_0.5", ("--margin", "0.5")),
    "margin 2": ("margin_2", ("--margin", "2")),
    "centre held fixed": ("center_constant", ("--gradient", "CENTER_CONSTANT")),
    "the paper's gradient": ("paper_gradient", ("--gradient", "PAPER")),
    "2048 box as a layer": ("wide_fc8", ("--wide-fc8",)),
    "half of the negatives of its model": ("hard", ("--hard-negatives", "0.5")),
    # The demo's features leave batch normalisation with a mean squared length
    # of 128, so that this margin is to them what 1 is to unit vectors.
    "features not normalised, margin 128": (
        "no_normalize_128",
        ("--no-normalize", "--margin", "128"),
    ),
}
# Triplet loss knows no gradient modes, and only the mixed difference net has a
# 2048 box.
ABLATIONS = {
    paper.VGG_TRIPLET: list(CHANGES)[:2],
    paper.VGG_CCL: list(CHANGES)[:4],
    paper.MIXED_CCL: list(CHANGES),
}
ABLATION_SEEDS = 3  # trainings of each change, at most


class Chain:
    """Collects the steps that tables ask for, each with all that it needs before it.

    Attributes:
        steps: what has been asked for, in an order that can be run.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.steps: list[Step] = []

    def table3(self) -> dict[str, Path]:
        """Verification of car models; returns the results by row."""
        web, seeds = self.setting.web, self.setting.seeds
        results = {}
        for row, kind in VERIFIERS.items():
            net = TrainedNet(web, "googlenet_softmax", seeds[0])
            verifier = self._verifier(kind, self._features(net, "part2"))
            results[row] = self._verify(f"{kind}_{net.file}", [(row, net)], verifier)
        nets = [
            (row, TrainedNet(web, STRUCTURES[row], seed))
            for row in VERIFIED
            for seed in seeds
        ]
        return results | dict.fromkeys(VERIFIED, self._verify("distances", nets))

    def table4(self) -> dict[str, Path]:
        """MAP of the three methods; returns results by the paper's split."""
        return {
            name: self._evaluate("eval_map.py", f"map_{own}", self._three(), own)
            for name, own in self.setting.splits.items()
        }

    def table6(self) -> dict[str, Path]:
        """Match rates of the three methods; returns results by the paper's split."""
        return {name: self._cmc(own) for name, own in self.setting.splits.items()}

    def fig10(self) -> dict[str, Path]:
        """Match rates to rank 50 on Small; returns the results by row."""
        split = next(iter(self.setting.splits.values()))
        three = self._cmc(split)
        baselines = {row: self._baseline(row, split) for row in BASELINES}
        return dict.fromkeys(STRUCTURES, three) | baselines

    def ablations(self) -> dict[str, Path]:
        """Match rates and MAP of changed nets; returns results by column."""
        s = self.setting
        nets = []
        for method, titles in ABLATIONS.items():
            changed = {f"{method}, {title}": CHANGES[title] for title in titles}
            for row, (change, options) in {method: ("", ()), **changed}.items():
                for seed in s.seeds[:ABLATION_SEEDS]:
                    net = STRUCTURES[method], seed, change, options
                    nets.append((row, TrainedNet(s.vehicleid, *net)))
        return self._both("ablations", nets, s.vehicleid)

    def heldout(self) -> dict[str, Path]:
        """The three methods on vehicles on which nothing was chosen; as ablations."""
        return self._both("heldout", self._three(), self.setting.heldout)

    def convergence(self) -> dict[str, Path]:
        """Match rates on the largest split after each snapshot, by iteration."""
        s, nets = self.setting, self._three()
        split = list(s.splits.values())[-1]
        return {
            str(n): self._evaluate("eval_cmc.py", f"convergence_{n}", nets, split, n)
            for n in range(s.snapshot, s.iterations + 1, s.snapshot)
        }

    def report(self, results: Iterable[Path], command: str) -> Path:
        """Adds the report of results, with images and curves of the first trainings.

        command is what it says it was made by. Returns its folder.
        """
        s = self.setting
        largest = list(s.splits.values())[-1]
        # The strips are of a CMC result, whatever tables are asked for.
        files = list(dict.fromkeys([*results, self._cmc(largest)]))
        checks = [step.output for step in self.steps if step.name.endswith("check")]
        words = [*_each("--check", checks), *_each("--result", files)]
        inputs = [*checks, *files]
        for row, structure in STRUCTURES.items():
            net = TrainedNet(s.vehicleid, structure, s.seeds[0])
            features = self._features(net, largest).output
            run = self._run(net)
            name = f"{row}, seed {net.seed}"
            words += ["--features", f"{name}={features}"]
            words += ["--log", f"{name}={run / TRAINING_LOG}"]
            inputs += [features, run]
        output = s.work / "report"
        after = [step for step in self.steps if step.output in inputs]
        self._add(
            "report", output, after, "report.py", output, *words,
            "--data", s.vehicleid.root, "--split", largest, "--command", command,
            "--title", f"Deep relative distance learning: {s.name}",
        )  # fmt: skip
        return output

    def _three(self) -> Nets:
        """Every training of the paper's three methods."""
        return [
            (row, TrainedNet(self.setting.vehicleid, structure, seed))
            for row, structure in STRUCTURES.items()
            for seed in self.setting.seeds
        ]

    def _both(self, name: str, nets: Nets, data: TrainingData) -> dict[str, Path]:
        """Match rates and MAP of nets on every split; returns results by column."""
        measures = (("rank-1", "eval_cmc.py", "cmc"), ("MAP", "eval_map.py", "map"))
        return {
            f"{column} {title}": self._evaluate(
                tool, f"{name}_{kind}_{split}", nets, split, data=data
            )
            for column, split in self.setting.splits.items()
            for title, tool, kind in measures
        }

    def _cmc(self, split: str) -> Path:
        """Re-identification (Sec. 5.3); returns the results' file."""
        return self._evaluate("eval_cmc.py", f"cmc_{split}", self._three(), split)

    def _evaluate(
        self,
        tool: str,
        name: str,
        nets: Nets,
        split: str,
        iteration: int | None = None,
        data: TrainingData | None = None,
    ) -> Path:
        """Results of nets; returns the file."""
        features = [self._features(net, split, iteration, data) for _, net in nets]
        output = self._results(name)
        return self._add(
            name.replace("_", "/", 1), output, features,
            tool, *(step.output for step in features), *_named(nets),
            "--repeats", self.setting.repeats, "--json", output,
        ).output  # fmt: skip

    def _baseline(self, row: str, split: str) -> Path:
        """Re-identification by Joint Bayesian; returns the results' file."""
        target = self.setting.vehicleid
        name, structure = BASELINES[row]
        data = {one.name: one for one in (target, self.setting.web)}[name]
        net = TrainedNet(data, structure, self.setting.seeds[0])
        training = self._features(net, target.training, data=target)
        testing = self._features(net, split, data=target)
        verifier = self._verifier("joint-bayesian", training)
        output = self._results(f"cmc_{split}_{net.file}")
        return self._add(
            f"cmc/{split}_{net.file}", output, [testing, verifier],
            "eval_cmc.py", testing.output, "--verifier", verifier.output,
            *_named([(row, net)]),
            "--repeats", self.setting.repeats, "--json", output,
        ).output  # fmt: skip

    def _verifier(self, kind: str, training: Step) -> Step:
        """A verifier of pairs, trained on features."""
        name = f"{kind}_{training.output.stem}"
        output = self.setting.work / "verifiers" / f"{name}.npz"
        words = ("train_verifier.py", kind, training.output, output)
        return self._add(f"verifier/{name}", output, [training], *words)

    def _verify(self, name: str, nets: Nets, verifier: Step | None = None) -> Path:
        """Verification of CompCars' pairs (Sec. 5.1); returns the results' file.

        The threshold is from part II, whose models are in neither other part.
        """
        tested = [self._features(net, "part3") for _, net in nets]
        training = [self._features(net, "part2") for _, net in nets]
        pairs = self.setting.web.root / "train_test_split/verification"
        compared = [verifier] if verifier else []
        output = self._results(f"verification_{name}")
        return self._add(
            f"verification/{name}", output, [*tested, *training, *compared],
            "eval_verification.py", *(step.output for step in tested),
            *_each("--train", (step.output for step in training)),
            *_each("--pairs", (pairs / f"verification_pairs_{v}.txt" for v in LEVELS)),
            *_named(nets),
            *_each("--verifier", (step.output for step in compared)),
            "--draw", self.setting.pairs, "--json", output,
        ).output  # fmt: skip

    def _features(
        self,
        net: TrainedNet,
        split: str,
        iteration: int | None = None,
        data: TrainingData | None = None,
    ) -> Step:
        """Features of a split of data, by default of what the net learned from.

        They are of a snapshot at an iteration, or of the trained net.
        """
        s, of = self.setting, data or net.data
        last = s.iterations * net.data.longer
        iteration = iteration or last
        mark = "" if iteration == last else f"iter_{iteration}"
        on = split if of == net.data else f"{of.name}_{split}"
        names = [name for name in (net.file, mark, on) if name]
        output = s.work / "features" / f"{'_'.join(names)}.h5"
        weights = f"{net.structure}_iter_{iteration}.caffemodel"
        return self._add(
            "/".join(["features", net.step, *names[1:]]), output,
            [self._data(of), self._trained(net)],
            "extract_features.py", of.root, output, "--split", split,
            "--net", self._prototxt(net, "deploy"),
            "--weights", self._run(net) / weights, *self._gpu(),
        )  # fmt: skip

    def _trained(self, net: TrainedNet) -> Step:
        """A trained net, with its snapshots."""
        after = [self._lmdb(net), self._nets(net)]
        words = ["--solver", str(self._prototxt(net, "solver"))]
        given = self.setting.weights
        if given is not None and net.structure != "googlenet_softmax":
            start = self.setting.work / "start" / f"{net.file}.caffemodel"
            made = self._add(
                f"start/{net.step}", start, after[1:], "init_weights.py",
                given, self._prototxt(net, "train_val"), start, files=(given,),
            )  # fmt: skip
            after.append(made)
            words += ["--weights", str(start)]
        words += self._gpu()
        return self._add(
            f"train/{net.step}", self._run(net), after,
            "train.py", "--output", self._run(net), *words,
            amount=net.data.longer * self.setting.iterations,
            known_as=("caffe", "train", *words),
        )  # fmt: skip

    def _nets(self, net: TrainedNet) -> Step:
        """The prototxt files of a net and of others with the same change."""
        s, folder = self.setting, self.setting.work / net.folder
        lmdb, longer = self._lmdb(net), net.data.longer
        # Written last, so that it tells a whole set of files.
        output = folder / "googlenet_softmax" / "solver.prototxt"
        return self._add(
            net.folder, output, [lmdb],
            # What another recipe, or a run that was killed, has left.
            "make_nets.py", "--overwrite", "--output", folder, "--base", s.base,
            "--train", lmdb.output, "--seed", net.seed,
            "--max-iter", longer * s.iterations, "--stepsize", longer * s.stepsize,
            "--snapshot", longer * s.snapshot, *net.options,
        )  # fmt: skip

    def _lmdb(self, net: TrainedNet) -> Step:
        """The image LMDB that a net learns from."""
        data, output = net.data, self.setting.work / f"{net.lmdb}_lmdb"
        return self._add(
            f"lmdb/{net.lmdb}", output, [self._data(data)],
            "build_lmdb.py", data.root, output,
            "--split", data.training, "--size", self.setting.side,
            *(() if net.learns_vehicles else data.options),
        )  # fmt: skip

    def _data(self, data: TrainingData) -> Step:
        """A data set, drawn where none is given, and checked."""
        after = []
        if data.renderer:
            tool, *options = data.renderer
            drawn = (data.root, "--preset", self.setting.render, *options)
            after = [self._add(f"{data.prefix}render", data.root, [], tool, *drawn)]
        output = self._results(f"{data.prefix}data")
        words = ("check", data.root, "--json", output)
        return self._add(f"{data.prefix}check", output, after, "dataset.py", *words)

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


def _named(nets: Nets) -> list[object]:
    """What evaluations call nets: their methods, and the seeds of their trainings."""
    seeds = _each("--training-seed", (net.seed for _, net in nets))
    return [*_each("--name", (row for row, _ in nets)), *seeds]


def _each(option: str, values: Iterable[object]) -> list[object]:
    """The option before every value."""
    return [word for value in values for word in (option, value)]
