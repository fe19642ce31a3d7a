"""The steps from data to the paper's tables, every one once."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from pydrdl import paper
from pydrdl.datasets.compcars import LEVELS
from pydrdl.nets.structures import Schedule
from pydrdl.reproduce.photographs import PhotographSteps
from pydrdl.reproduce.setting import (
    COMPCARS,
    LRN,
    STARTS,
    STRUCTURES,
    TRAINING_LOG,
    VEHICLEID,
    Start,
    TrainedNet,
    TrainingData,
)
from pydrdl.reproduce.steps import Step
from pydrdl.reproduce.trainings import Nets, each, mark_of, named

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
    (RAW := "features not normalised, margin 128"): (
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
ABLATION_SEEDS = 3  # trainings of each change or amount of data, at most

# Of CCL with one branch, as make_nets.py takes them: by title, for files' names.
GRADIENTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "EXACT": ("", ()),
    "CENTER_CONSTANT": CHANGES["centre held fixed"],
    "PAPER": CHANGES["the paper's gradient"],
}
# What the losses see. The features that the pretrained start gives have a mean squared
# length of about 300, so that this margin is to them what 1 is to unit vectors. Losses
# and gradients are as much larger: at the other nets' rate, the first steps end in NaN.
VECTORS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "unit vectors": ("", ()),
    "not normalised": (
        "raw_300",
        ("--no-normalize", "--margin", "300", "--base-lr", f"{0.01 / 300:.1e}"),
    ),
}
GROWTH = (1, 2, 4, 8)  # times the fewest vehicles


class Chain(PhotographSteps):
    """Collects the steps that tables ask for; a method a table."""

    def table3(self) -> dict[str, Path]:
        """Verification of car models; returns the results by row."""
        models, seeds = self.setting.car_models, self.setting.seeds
        results = {}
        for row, kind in VERIFIERS.items():
            net = self._net(models, "googlenet_softmax", seeds[0])
            verifier = self._verifier(kind, self._features(net, "part2"))
            results[row] = self._verify(f"{kind}_{net.file}", [(row, net)], verifier)
        nets = [
            (row, self._net(models, STRUCTURES[row], seed))
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
            changed = {
                f"{method}, {title}": CHANGES[title]
                for title in titles
                # Of another length without batch normalisation: see gradients.
                if title != RAW or not s.start.options
            }
            for row, (change, options) in {method: ("", ()), **changed}.items():
                for seed in s.seeds[:ABLATION_SEEDS]:
                    net = STRUCTURES[method], seed, change, options
                    nets.append((row, self._net(s.vehicleid, *net)))
        return self._both("ablations", nets, s.vehicleid)

    def heldout(self) -> dict[str, Path]:
        """The three methods on vehicles on which nothing was chosen; as ablations."""
        return self._both("heldout", self._three(), self.setting.heldout)

    def convergence(self) -> dict[str, Path]:
        """Match rates on the largest split after each snapshot, by iteration."""
        s = self.setting
        return self._over_iterations("convergence", self._three(), s.vehicleid)

    def softmax(self) -> dict[str, Path]:
        """The softmax over drawn car models that other nets start from.

        Returns the results of its features on held-out vehicles, as ablations.
        """
        world, s = self.setting.softmax_world, self.setting
        net = TrainedNet(world, "vgg_softmax", 1, start=LRN)
        nets, trained = self._nets(net), self._trained(net)
        # The classifier stays behind: the deploy net has none.
        start = s.work / "demo_softmax.caffemodel"
        self._add(
            "softmax", start, [nets, trained], "init_weights.py",
            self._run(net) / self._weights(net), self._prototxt(net, "deploy"), start,
        )  # fmt: skip
        return self._both("softmax", [("VGG by softmax", net)], s.heldout)

    def gradients(self) -> dict[str, Path]:
        """The modes of CCL's gradient from random weights and pretrained ones.

        Returns the results of held-out vehicles by column, and by row and seed the
        training's log.
        """
        s = self.setting
        nets = [
            (
                f"{mode}, {vectors}, {STARTS[start.name]}",
                TrainedNet(
                    s.vehicleid,
                    "ccl",
                    seed,
                    "_".join(filter(None, (change, scale))),
                    options + more,
                    start,
                ),
            )
            for start in (LRN, s.pretrained)
            for vectors, (scale, more) in VECTORS.items()
            for mode, (change, options) in GRADIENTS.items()
            for seed in s.seeds[:ABLATION_SEEDS]
        ]
        columns = dict([list(s.splits.items())[-1]])
        results = self._both("gradients", nets, s.heldout, columns)
        logs = {
            f"{row}, seed {net.seed}": self._run(net) / TRAINING_LOG
            for row, net in nets
        }
        return results | logs

    def paper_net(self) -> dict[str, Path]:
        """The mixed difference net from a softmax's weights, at the preset's own size.

        The rate stays at its first step, as the paper's does for 8,000 iterations.
        Returns the trainings' logs by row.
        """
        s, still = self.setting, ("--stepsize", str(Schedule.stepsize))
        softmax = TrainedNet(s.few(world=True), "vgg_softmax", 1, options=still)
        start = Start("softmax", source=softmax)
        net = TrainedNet(s.few(), STRUCTURES[paper.MIXED_CCL], 1, "", still, start)
        rows = {"VGG by softmax": softmax, paper.MIXED_CCL: net}
        for trained in rows.values():
            self._trained(trained)
        return {row: self._run(of) / TRAINING_LOG for row, of in rows.items()}

    def growth(self) -> dict[str, Path]:
        """The three methods over vehicles to learn from, and over iterations.

        Returns the results of the largest held-out split by iteration.
        """
        s = self.setting
        nets = [
            (f"{row}, {vehicles:,} vehicles", self._net(data, structure, seed))
            for vehicles in (n * s.fewest for n in GROWTH)
            for data in (s.grown(vehicles),)
            for row, structure in STRUCTURES.items()
            for seed in s.seeds[:ABLATION_SEEDS]
        ]
        return self._over_iterations("growth", nets, s.heldout)

    def report(
        self, results: Iterable[Path], command: str, *, of_vehicles: bool = True
    ) -> Path:
        """Adds the report of results, with images and curves of the first trainings.

        command is what it says it was made by; not of_vehicles: all results are of
        Table 3, which has no galleries to show. Returns its folder.
        """
        s = self.setting
        files, words, inputs = dict.fromkeys(results), list[object](), list[Path]()
        largest = list(s.splits.values())[-1]
        if of_vehicles:
            data, structures = s.vehicleid, STRUCTURES
            # The strips are of a CMC result, whatever tables are asked for.
            files[self._cmc(largest)] = None
            words = ["--split", largest]
        else:
            data = s.car_models
            structures = {row: STRUCTURES[row] for row in VERIFIED}
            structures[paper.GOOGLENET_JB] = "googlenet_softmax"
        for row, structure in structures.items():
            net = self._net(data, structure, s.seeds[0])
            run, name = self._run(net), f"{row}, seed {net.seed}"
            words += ["--log", f"{name}={run / TRAINING_LOG}"]
            inputs += [run]
            if of_vehicles:
                features = self._features(net, largest).output
                words += ["--features", f"{name}={features}"]
                inputs += [features]
        checks = [step.output for step in self.steps if step.name.endswith("check")]
        words += [*each("--check", checks), *each("--result", files)]
        inputs += [*checks, *files]
        output = s.work / "_".join(filter(None, (s.start.name, "report")))
        after = [step for step in self.steps if step.output in inputs]
        self._add(
            output.name, output, after, "report.py", output, *words,
            "--data", data.root, "--command", command,
            "--title", f"Deep relative distance learning: {s.name}",
        )  # fmt: skip
        return output

    def _three(self) -> Nets:
        """Every training of the paper's three methods."""
        return [
            (row, self._net(self.setting.vehicleid, structure, seed))
            for row, structure in STRUCTURES.items()
            for seed in self.setting.seeds
        ]

    def _net(
        self,
        data: TrainingData,
        structure: str,
        seed: int,
        change: str = "",
        options: tuple[str, ...] = (),
    ) -> TrainedNet:
        """A training from the setting's start, which is not GoogLeNet's."""
        starts = structure != "googlenet_softmax"
        start = self.setting.start if starts else Start("")
        net = TrainedNet(data, structure, seed, change, options, start)
        rate = self.setting.classifier_rate
        if rate is None or net.learns_vehicles or start != Start(""):
            return net
        # One command writes all softmax nets of a folder, VGG's from weights too.
        beside = self.setting.start.name == "" and self.setting.start.weights
        return replace(
            net,
            change=f"rate_{rate:g}" if beside else change,
            options=(*options, "--base-lr", str(rate)),
        )

    def _over_iterations(
        self, name: str, nets: Nets, data: TrainingData
    ) -> dict[str, Path]:
        """Match rates on the largest split after each snapshot, by iteration."""
        s = self.setting
        split = list(s.splits.values())[-1]
        return {
            str(n): self._evaluate("eval_cmc.py", f"{name}_{n}", nets, split, n, data)
            for n in range(s.snapshot, s.iterations + 1, s.snapshot)
        }

    def _both(
        self,
        name: str,
        nets: Nets,
        data: TrainingData,
        splits: Mapping[str, str] | None = None,
    ) -> dict[str, Path]:
        """Match rates and MAP of nets on every split; returns results by column."""
        measures = (("rank-1", "eval_cmc.py", "cmc"), ("MAP", "eval_map.py", "map"))
        return {
            f"{column} {title}": self._evaluate(
                tool, f"{name}_{kind}_{split}", nets, split, data=data
            )
            for column, split in (splits or self.setting.splits).items()
            for title, tool, kind in measures
        }

    def _cmc(self, split: str) -> Path:
        """Re-identification (Sec. 5.3); returns the results' file."""
        return self._evaluate("eval_cmc.py", f"cmc_{split}", self._three(), split)

    def _baseline(self, row: str, split: str) -> Path:
        """Re-identification by Joint Bayesian; returns the results' file."""
        target = self.setting.vehicleid
        name, structure = BASELINES[row]
        data = {one.name: one for one in (target, self.setting.web)}[name]
        net = self._net(data, structure, self.setting.seeds[0])
        training = self._features(net, target.training, data=target)
        testing = self._features(net, split, data=target)
        verifier = self._verifier("joint-bayesian", training)
        output = self._results(f"cmc_{split}_{net.file}")
        return self._add(
            f"cmc/{split}_{net.file}", output, [testing, verifier],
            "eval_cmc.py", testing.output, "--verifier", verifier.output,
            *named([(row, net)]),
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
        pairs = self.setting.car_models.root / "train_test_split/verification"
        compared = [verifier] if verifier else []
        name = mark_of(nets) + name
        output = self._results(f"verification_{name}")
        return self._add(
            f"verification/{name}", output, [*tested, *training, *compared],
            "eval_verification.py", *(step.output for step in tested),
            *each("--train", (step.output for step in training)),
            *each("--pairs", (pairs / f"verification_pairs_{v}.txt" for v in LEVELS)),
            *named(nets),
            *each("--verifier", (step.output for step in compared)),
            "--draw", self.setting.pairs, "--json", output,
        ).output  # fmt: skip
