"""What the paper leaves open, changed (docs/choices.md)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydrdl import paper
from pydrdl.datasets.compcars import LEVELS
from pydrdl.reproduce import training
from pydrdl.reproduce.chain import STRUCTURES, Chain, Net
from pydrdl.reproduce.setting import COMPCARS, VEHICLEID, Setting, Source
from pydrdl.reproduce.steps import Step

SEEDS = 3  # trainings of each change, at most


@dataclass(frozen=True)
class Ablation:
    """One change to one of the paper's methods.

    Attributes:
        method: the method, as the paper's rows name it.
        title: what is changed; "" for nothing.
        change: the same, for file names.
        options: the change, as make_nets.py takes it.
    """

    method: str
    title: str = ""
    change: str = ""
    options: tuple[str, ...] = ()

    @property
    def row(self) -> str:
        """The title of its row."""
        return f"{self.method}, {self.title}" if self.title else self.method


_CHANGES = {
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


def _of(method: str, *titles: str) -> list[Ablation]:
    return [Ablation(method), *(Ablation(method, t, *_CHANGES[t]) for t in titles)]


# Triplet loss knows no gradient modes, and only the mixed difference net has a
# 2048 box.
ABLATIONS = (
    *_of(paper.VGG_TRIPLET, "margin 0.5", "margin 2"),
    *_of(
        paper.VGG_CCL,
        "margin 0.5",
        "margin 2",
        "centre held fixed",
        "the paper's gradient",
    ),
    *_of(paper.MIXED_CCL, *_CHANGES),
)


# The steps from data to each table.


# Classifiers of vehicle models (of car models, from CompCars) with Joint
# Bayesian on top (Fig. 10).
BASELINES = {
    paper.VGG_JB: (VEHICLEID, "vgg_softmax"),
    paper.GOOGLENET_JB: (VEHICLEID, "googlenet_softmax"),
    paper.COMPCARS_JB: (COMPCARS, "googlenet_softmax"),
}
# Rows of Table 3 by how pairs are compared; nets of one seed, as all classifiers.
VERIFIERS = {
    paper.GOOGLENET_SVM: "svm",
    paper.GOOGLENET_JB: "joint-bayesian",
}
VERIFIED = (paper.VGG_TRIPLET, paper.MIXED_CCL)


class Plan:
    """Collects the steps that tables ask for.

    Args:
        setting: from what, and at which size.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._chain = Chain(setting)

    @property
    def steps(self) -> list[Step]:
        """What has been asked for, in an order that can be run."""
        return self._chain.steps

    def table3(self) -> dict[str, Path]:
        """Verification of car models; returns the results by row."""
        web, seeds = self.setting.web, self.setting.seeds
        results = {}
        for row, kind in VERIFIERS.items():
            net = Net(web, "googlenet_softmax", seeds[0])
            verifier = self._verifier(kind, self._chain.features(net, "part2"))
            nets = {f"{row}, seed {net.seed}": net}
            results[row] = self._verify(f"{kind}_{net.file}", nets, verifier)
        nets = {
            f"{row}, seed {seed}": Net(web, STRUCTURES[row], seed)
            for row in VERIFIED
            for seed in seeds
        }
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
        nets = {
            f"{a.row}, seed {seed}": Net(
                self.setting.vehicleid, STRUCTURES[a.method], seed, a.change, a.options
            )
            for a in ABLATIONS
            for seed in self.setting.seeds[:SEEDS]
        }
        return self._both("ablations", nets, self.setting.vehicleid)

    def fresh(self) -> dict[str, Path]:
        """The three methods on vehicles on which nothing was chosen; as ablations."""
        return self._both("fresh", self._three(), self.setting.fresh)

    def _both(
        self, name: str, nets: Mapping[str, Net], source: Source
    ) -> dict[str, Path]:
        """Match rates and MAP of nets on every split; returns results by column."""
        measures = (("rank-1", "eval_cmc.py", "cmc"), ("MAP", "eval_map.py", "map"))
        return {
            f"{column} {title}": self._evaluate(
                tool, f"{name}_{kind}_{split}", nets, split, source=source
            )
            for column, split in self.setting.splits.items()
            for title, tool, kind in measures
        }

    def convergence(self) -> dict[str, Path]:
        """Match rates on the largest split after each snapshot, by iteration."""
        s, nets = self.setting, self._three()
        split = list(s.splits.values())[-1]
        return {
            str(n): self._evaluate("eval_cmc.py", f"convergence_{n}", nets, split, n)
            for n in range(s.snapshot, s.iterations + 1, s.snapshot)
        }

    def report(self, results: Iterable[Path], command: str) -> Path:
        """The report of results, with images and curves of the first trainings.

        Args:
            results: files that steps of this plan make.
            command: what the report says it was made by.

        Returns:
            The report's folder.
        """
        s = self.setting
        largest = list(s.splits.values())[-1]
        # The strips are of a CMC result, whatever tables are asked for.
        files = list(dict.fromkeys([*results, self._cmc(largest)]))
        checks = [step.output for step in self.steps if step.name.endswith("check")]
        words: list[object] = []
        for option, paths in (("--check", checks), ("--result", files)):
            words += [word for path in paths for word in (option, path)]
        inputs = [*checks, *files]
        for row, structure in STRUCTURES.items():
            net = Net(s.vehicleid, structure, s.seeds[0])
            features = self._chain.features(net, largest).output
            run = self._chain.run(net)
            name = f"{row}, seed {net.seed}"
            words += ["--features", f"{name}={features}"]
            words += ["--log", f"{name}={run / training.LOG}"]
            inputs += [features, run]
        output = s.work / "report"
        after = [step for step in self.steps if step.output in inputs]
        self._chain.add(
            "report", output, after, "report.py", output, *words,
            "--data", s.vehicleid.root, "--split", largest, "--command", command,
            "--title", f"Deep relative distance learning: {s.name}",
        )  # fmt: skip
        return output

    def _three(self) -> dict[str, Net]:
        """Every training of the paper's three methods."""
        return {
            f"{row}, seed {seed}": Net(self.setting.vehicleid, structure, seed)
            for row, structure in STRUCTURES.items()
            for seed in self.setting.seeds
        }

    def _cmc(self, split: str) -> Path:
        """Re-identification (Sec. 5.3); returns the results' file."""
        return self._evaluate("eval_cmc.py", f"cmc_{split}", self._three(), split)

    def _evaluate(
        self,
        tool: str,
        name: str,
        nets: Mapping[str, Net],
        split: str,
        iteration: int | None = None,
        source: Source | None = None,
    ) -> Path:
        """Results of nets, by what the file is to call them; returns the file."""
        features = [
            self._chain.features(net, split, iteration, source=source)
            for net in nets.values()
        ]
        names = [word for title in nets for word in ("--name", title)]
        output = self.setting.work / "results" / f"{name}.json"
        return self._chain.add(
            name.replace("_", "/", 1), output, features,
            tool, *(step.output for step in features), *names,
            "--repeats", self.setting.repeats, "--json", output,
        ).output  # fmt: skip

    def _baseline(self, row: str, split: str) -> Path:
        """Re-identification by Joint Bayesian; returns the results' file."""
        target = self.setting.vehicleid
        source, structure = BASELINES[row]
        sources = {s.name: s for s in (target, self.setting.web)}
        net = Net(sources[source], structure, self.setting.seeds[0])
        training, testing = (
            self._chain.features(net, name, source=target)
            for name in (target.training, split)
        )
        verifier = self._verifier("joint-bayesian", training)
        output = self.setting.work / "results" / f"cmc_{split}_{net.file}.json"
        return self._chain.add(
            f"cmc/{split}_{net.file}", output, [testing, verifier],
            "eval_cmc.py", testing.output, "--verifier", verifier.output,
            "--name", f"{row}, seed {net.seed}",
            "--repeats", self.setting.repeats, "--json", output,
        ).output  # fmt: skip

    def _verifier(self, kind: str, training: Step) -> Step:
        """A verifier of pairs, trained on features."""
        name = f"{kind}_{training.output.stem}"
        output = self.setting.work / "verifiers" / f"{name}.npz"
        words = ("train_verifier.py", kind, training.output, output)
        return self._chain.add(f"verifier/{name}", output, [training], *words)

    def _verify(
        self, name: str, nets: Mapping[str, Net], verifier: Step | None = None
    ) -> Path:
        """Verification of CompCars' pairs (Sec. 5.1); returns the results' file.

        The threshold is from part II, whose models are in neither other part.
        """
        web = self.setting.web
        tested = [self._chain.features(net, "part3") for net in nets.values()]
        training = [self._chain.features(net, "part2") for net in nets.values()]
        folder = web.root / "train_test_split/verification"
        words: list[object] = [step.output for step in tested]
        for option, values in (
            ("--train", [step.output for step in training]),
            ("--pairs", [folder / f"verification_pairs_{v}.txt" for v in LEVELS]),
            ("--name", list(nets)),
            ("--verifier", [verifier.output] if verifier else []),
        ):
            words += [word for value in values for word in (option, value)]
        output = self.setting.work / "results" / f"verification_{name}.json"
        return self._chain.add(
            f"verification/{name}", output,
            [*tested, *training, *([verifier] if verifier else [])],
            "eval_verification.py", *words,
            "--draw", self.setting.pairs, "--json", output,
        ).output  # fmt: skip
