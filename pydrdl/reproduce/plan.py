"""The steps from data to each table, every one once."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydrdl import paper, training
from pydrdl.reproduce.ablations import ABLATIONS, SEEDS
from pydrdl.reproduce.net import STRUCTURES, Net
from pydrdl.reproduce.setting import Setting
from pydrdl.steps import Step

# Classifiers of vehicle models with Joint Bayesian on top (Fig. 10).
BASELINES = {
    paper.VGG_JB: "vgg_softmax",
    paper.GOOGLENET_JB: "googlenet_softmax",
}
# Behind a split's name: only its images with a model label.
LABELLED = "_labelled"


class Plan:
    """Collects the steps that tables ask for, in an order that can be run.

    Args:
        setting: from what, and at which size.

    Attributes:
        steps: what has been asked for, with all that it needs before it.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.steps: list[Step] = []

    def table6(self) -> dict[str, Path]:
        """Match rates of the three methods; returns results by the paper's split."""
        return {name: self.cmc(own) for name, own in self.setting.splits.items()}

    def table4(self) -> dict[str, Path]:
        """MAP of the three methods; returns results by the paper's split."""
        return {name: self.retrieval(own) for name, own in self.setting.splits.items()}

    def fig10(self) -> dict[str, Path]:
        """Match rates to rank 50 on Small; returns the results by row."""
        split = next(iter(self.setting.splits.values()))
        three = self.cmc(split)
        baselines = {row: self.baseline(row, split) for row in BASELINES}
        return dict.fromkeys(STRUCTURES, three) | baselines

    def ablations(self) -> dict[str, Path]:
        """Match rates and MAP of changed nets; returns results by column."""
        nets = {
            (a.row, seed): Net(STRUCTURES[a.method], seed, a.change, a.options)
            for a in ABLATIONS
            for seed in self.setting.seeds[:SEEDS]
        }
        results = {}
        for name, split in self.setting.splits.items():
            for title, tool, kind in (
                ("rank-1", "eval_cmc.py", "cmc"),
                ("MAP", "eval_map.py", "map"),
            ):
                tested = self._tested(nets, split)
                step = f"ablations_{kind}_{split}"
                results[f"{name} {title}"] = self._evaluate(tool, step, tested)
        return results

    def convergence(self) -> dict[str, Path]:
        """Match rates on the largest split after each snapshot, by iteration."""
        s, results = self.setting, {}
        split = list(s.splits.values())[-1]
        for iteration in range(s.snapshot, s.iterations + 1, s.snapshot):
            tested = self._tested(self._three(), split, iteration)
            step = f"convergence_{iteration}"
            results[str(iteration)] = self._evaluate("eval_cmc.py", step, tested)
        return results

    def report(self, results: Iterable[Path], command: str) -> Path:
        """The report of results, with images and curves of the first trainings.

        Args:
            results: files that steps of this plan make.
            command: what the report says it was made by.

        Returns:
            The report's folder.
        """
        s, seed = self.setting, self.setting.seeds[0]
        largest = list(s.splits.values())[-1]
        inputs = [self.setting.work / "results" / "data.json"]
        words: list[object] = ["--check", inputs[0]]
        # The strips are of a CMC result, whatever tables are asked for.
        for result in dict.fromkeys([*results, self.cmc(largest)]):
            inputs.append(result)
            words += ["--result", result]
        for row, structure in STRUCTURES.items():
            net = Net(structure, seed)
            features, run = self.features(net, largest).output, self._run(net)
            inputs += [features, run]
            name = f"{row}, seed {seed}"
            words += ["--features", f"{name}={features}"]
            words += ["--log", f"{name}={run / training.LOG}"]
        output = s.work / "report"
        after = [step.name for step in self.steps if step.output in inputs]
        self._add(
            "report", output, after, "report.py", output, *words,
            "--data", s.root, "--split", largest, "--command", command,
            "--title", f"Deep relative distance learning: {s.name}",
        )  # fmt: skip
        return output

    def cmc(self, split: str) -> Path:
        """Re-identification (Sec. 5.3); returns the results' file."""
        tested = self._tested(self._three(), split)
        return self._evaluate("eval_cmc.py", f"cmc_{split}", tested)

    def retrieval(self, split: str) -> Path:
        """Retrieval (Sec. 5.2); returns the results' file."""
        tested = self._tested(self._three(), split)
        return self._evaluate("eval_map.py", f"map_{split}", tested)

    def baseline(self, row: str, split: str) -> Path:
        """Re-identification by Joint Bayesian; returns the results' file."""
        net = Net(BASELINES[row], self.setting.seeds[0])
        training, testing = (self.features(net, name) for name in ("train", split))
        verifier = self.setting.work / "verifiers" / f"{net.file}.npz"
        trained = self._add(
            f"verifier/{net.step}", verifier, [training.name],
            "train_verifier.py", "joint-bayesian", training.output, verifier,
        )  # fmt: skip
        output = self.setting.work / "results" / f"cmc_{split}_{net.structure}.json"
        return self._add(
            f"cmc/{split}/{net.structure}", output, [testing.name, trained.name],
            "eval_cmc.py", testing.output, "--verifier", verifier,
            "--name", f"{row}, seed {net.seed}",
            "--repeats", self.setting.repeats, "--json", output,
        ).output  # fmt: skip

    def _three(self) -> dict[tuple[str, int], Net]:
        """Every training of the paper's three methods."""
        return {
            (row, seed): Net(structure, seed)
            for row, structure in STRUCTURES.items()
            for seed in self.setting.seeds
        }

    def _tested(
        self,
        nets: Mapping[tuple[str, int], Net],
        split: str,
        iteration: int | None = None,
    ) -> dict[str, Step]:
        """The features of nets by what the results' files call them."""
        return {
            f"{row}, seed {seed}": self.features(net, split, iteration)
            for (row, seed), net in nets.items()
        }

    def _evaluate(self, tool: str, name: str, tested: Mapping[str, Step]) -> Path:
        features = [step.output for step in tested.values()]
        names = [word for title in tested for word in ("--name", title)]
        output = self.setting.work / "results" / f"{name}.json"
        options = [*names, "--repeats", self.setting.repeats, "--json", output]
        after = [step.name for step in tested.values()]
        name = name.replace("_", "/", 1)
        return self._add(name, output, after, tool, *features, *options).output

    def features(self, net: Net, split: str, iteration: int | None = None) -> Step:
        """Features of a split, by a snapshot or by the trained net."""
        s = self.setting
        mark = "" if iteration in (None, s.iterations) else f"_iter_{iteration}"
        output = s.work / "features" / f"{net.file}{mark}_{split}.h5"
        weights = f"{net.structure}_iter_{iteration or s.iterations}.caffemodel"
        name = f"features/{net.step}{mark.replace('_', '/', 1)}/{split}"
        return self._add(
            name, output, [self.data().name, self.trained(net).name],
            "extract_features.py", s.root, output, "--split", split,
            "--net", self._prototxt(net, "deploy"),
            "--weights", self._run(net) / weights,
            *(["--gpu", s.gpu] if s.gpu else []),
        )  # fmt: skip

    def trained(self, net: Net) -> Step:
        """A trained net, with its snapshots."""
        after = [self.lmdb(_training_split(net)).name, self.nets(net).name]
        solver = self._prototxt(net, "solver")
        output, gpu = self._run(net), self.setting.gpu
        weights, given = None, self.setting.weights
        if given is not None and net.structure != "googlenet_softmax":
            weights = self.setting.work / "start" / f"{net.file}.caffemodel"
            start = self._add(
                f"start/{net.step}", weights, after[1:], "init_weights.py",
                given, self._prototxt(net, "train_val"), weights, files=(given,),
            )  # fmt: skip
            after.append(start.name)
        return self._keep(
            Step(
                f"train/{net.step}",
                training.command(solver, weights=weights, gpu=gpu),
                output,
                tuple(after),
                action=lambda log: training.train_into(
                    solver, output, weights=weights, gpu=gpu
                ),
            )
        )

    def nets(self, net: Net) -> Step:
        """The prototxt files of a net and of others with the same change."""
        s, folder = self.setting, self.setting.work / net.folder
        split = _training_split(net)
        # Written last, so that it tells a whole set of files.
        output = folder / "googlenet_softmax" / "solver.prototxt"
        return self._add(
            net.folder, output, [self.lmdb(split).name],
            "make_nets.py", "--output", folder, "--base", s.base,
            "--train", self._lmdb(split), "--seed", net.seed,
            "--max-iter", s.iterations, "--stepsize", s.stepsize,
            "--snapshot", s.snapshot, *net.options,
        )  # fmt: skip

    def lmdb(self, split: str) -> Step:
        """An image LMDB."""
        return self._add(
            f"lmdb/{split}", self._lmdb(split), [self.data().name],
            "build_lmdb.py", self.setting.root, self._lmdb(split),
            "--split", split.removesuffix(LABELLED), "--size", self.setting.side,
            *(["--labelled-only"] if split.endswith(LABELLED) else []),
        )  # fmt: skip

    def data(self) -> Step:
        """The data set, rendered where none is given, and checked."""
        s = self.setting
        after = []
        if s.data is None:
            words = ("render_vehicleid.py", s.root, "--preset", s.render)
            after = [self._add("render", s.root, [], *words).name]
        output = s.work / "results" / "data.json"
        return self._add(
            "check", output, after, "dataset.py", "check", s.root, "--json", output
        )

    def _lmdb(self, split: str) -> Path:
        return self.setting.work / f"{split}_lmdb"

    def _prototxt(self, net: Net, name: str) -> Path:
        return self.setting.work / net.folder / net.structure / f"{name}.prototxt"

    def _run(self, net: Net) -> Path:
        return self.setting.work / "runs" / net.file

    def _add(
        self,
        name: str,
        output: Path,
        after: Sequence[str],
        tool: str,
        *words: object,
        files: tuple[Path, ...] = (),
    ) -> Step:
        command = ("python", str(self.setting.tools / tool), *map(str, words))
        return self._keep(Step(name, command, output, tuple(after), files))

    def _keep(self, step: Step) -> Step:
        if all(step.name != known.name for known in self.steps):
            self.steps.append(step)
        return step


def _training_split(net: Net) -> str:
    """A softmax learns nothing from an image without a label."""
    return "train" if net.learns_vehicles else "train" + LABELLED
