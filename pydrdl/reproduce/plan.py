"""The steps from data to each table, every one once."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydrdl import paper, training
from pydrdl.reproduce.setting import Setting
from pydrdl.steps import Step

# The nets behind the paper's rows (Tables 4 and 6).
STRUCTURES = {
    paper.VGG_TRIPLET: "triplet",
    paper.VGG_CCL: "ccl",
    paper.MIXED_CCL: "mixed_difference",
}

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
            self.features(structure, seed, largest)
            features = self._features(structure, seed, largest)
            run = self._run(structure, seed)
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
        return self._evaluate("eval_cmc.py", "cmc", split)

    def baseline(self, row: str, split: str) -> Path:
        """Re-identification by Joint Bayesian; returns the results' file."""
        net, seed = BASELINES[row], self.setting.seeds[0]
        training, testing = (self._features(net, seed, s) for s in ("train", split))
        verifier = self.setting.work / "verifiers" / f"{net}_seed{seed}.npz"
        trained = self._add(
            f"verifier/{net}/seed{seed}", verifier, [self.features(net, seed, "train")],
            "train_verifier.py", "joint-bayesian", training, verifier,
        )  # fmt: skip
        output = self.setting.work / "results" / f"cmc_{split}_{net}.json"
        self._add(
            f"cmc/{split}/{net}", output, [self.features(net, seed, split), trained],
            "eval_cmc.py", testing, "--verifier", verifier,
            "--name", f"{row}, seed {seed}",
            "--repeats", self.setting.repeats, "--json", output,
        )  # fmt: skip
        return output

    def retrieval(self, split: str) -> Path:
        """Retrieval (Sec. 5.2); returns the results' file."""
        return self._evaluate("eval_map.py", "map", split)

    def _evaluate(self, tool: str, kind: str, split: str) -> Path:
        features, names, after = [], [], []
        for row, structure in STRUCTURES.items():
            for seed in self.setting.seeds:
                after.append(self.features(structure, seed, split))
                features.append(str(self._features(structure, seed, split)))
                names += ["--name", f"{row}, seed {seed}"]
        output = self.setting.work / "results" / f"{kind}_{split}.json"
        options = [*names, "--repeats", self.setting.repeats, "--json", output]
        self._add(f"{kind}/{split}", output, after, tool, *features, *options)
        return output

    def features(self, structure: str, seed: int, split: str) -> str:
        """Features of a test split; returns the step's name."""
        trained = self.trained(structure, seed)
        output = self._features(structure, seed, split)
        return self._add(
            f"features/{structure}/seed{seed}/{split}", output, [self.data(), trained],
            "extract_features.py", self.setting.root, output, "--split", split,
            "--net", self._nets(structure, seed) / structure / "deploy.prototxt",
            "--weights", self._weights(structure, seed),
            *(["--gpu", self.setting.gpu] if self.setting.gpu else []),
        )  # fmt: skip

    def trained(self, structure: str, seed: int) -> str:
        """A trained net; returns the step's name."""
        after = [self.lmdb(_training_split(structure)), self.nets(structure, seed)]
        solver = self._nets(structure, seed) / structure / "solver.prototxt"
        output, gpu = self._run(structure, seed), self.setting.gpu
        weights = None
        if self.setting.weights is not None and structure != "googlenet_softmax":
            weights = self.setting.work / "start" / f"{structure}_seed{seed}.caffemodel"
            net, given = solver.with_name("train_val.prototxt"), self.setting.weights
            name, words = f"start/{structure}/seed{seed}", (given, net, weights)
            after.append(
                self._add(
                    name, weights, after[1:], "init_weights.py", *words, files=(given,)
                )
            )
        return self._keep(
            Step(
                f"train/{structure}/seed{seed}",
                training.command(solver, weights=weights, gpu=gpu),
                output,
                tuple(after),
                action=lambda log: training.train_into(
                    solver, output, weights=weights, gpu=gpu
                ),
            )
        )

    def nets(self, structure: str, seed: int) -> str:
        """The prototxt files of a net and of others; returns the step's name."""
        s, folder = self.setting, self._nets(structure, seed)
        split = _training_split(structure)
        # Written last, so that it tells a whole set of files.
        output = folder / "googlenet_softmax" / "solver.prototxt"
        return self._add(
            "/".join(folder.parts[-2:]), output, [self.lmdb(split)],
            "make_nets.py", "--output", folder, "--base", s.base,
            "--train", self._lmdb(split), "--seed", seed,
            "--max-iter", s.iterations, "--stepsize", s.stepsize,
            "--snapshot", s.snapshot,
        )  # fmt: skip

    def lmdb(self, split: str) -> str:
        """An image LMDB; returns the step's name."""
        return self._add(
            f"lmdb/{split}", self._lmdb(split), [self.data()],
            "build_lmdb.py", self.setting.root, self._lmdb(split),
            "--split", split.removesuffix(LABELLED), "--size", self.setting.side,
            *(["--labelled-only"] if split.endswith(LABELLED) else []),
        )  # fmt: skip

    def data(self) -> str:
        """The data set, rendered where none is given, and checked."""
        s = self.setting
        after = []
        if s.data is None:
            words = ("render_vehicleid.py", s.root, "--preset", s.render)
            after = [self._add("render", s.root, [], *words)]
        output = s.work / "results" / "data.json"
        return self._add(
            "check", output, after, "dataset.py", "check", s.root, "--json", output
        )

    def _lmdb(self, split: str) -> Path:
        return self.setting.work / f"{split}_lmdb"

    def _nets(self, structure: str, seed: int) -> Path:
        kind = "nets" if structure in STRUCTURES.values() else "softmax_nets"
        return self.setting.work / kind / f"seed{seed}"

    def _run(self, structure: str, seed: int) -> Path:
        return self.setting.work / "runs" / f"{structure}_seed{seed}"

    def _weights(self, structure: str, seed: int) -> Path:
        name = f"{structure}_iter_{self.setting.iterations}.caffemodel"
        return self._run(structure, seed) / name

    def _features(self, structure: str, seed: int, split: str) -> Path:
        return self.setting.work / "features" / f"{structure}_seed{seed}_{split}.h5"

    def _add(
        self,
        name: str,
        output: Path,
        after: Sequence[str],
        tool: str,
        *words: object,
        files: tuple[Path, ...] = (),
    ) -> str:
        command = ("python", str(self.setting.tools / tool), *map(str, words))
        return self._keep(Step(name, command, output, tuple(after), files))

    def _keep(self, step: Step) -> str:
        if all(step.name != known.name for known in self.steps):
            self.steps.append(step)
        return step.name


def _training_split(structure: str) -> str:
    """A softmax learns nothing from an image without a label."""
    return "train" if structure in STRUCTURES.values() else "train" + LABELLED
