"""Steps of what is learned from real photographs, tested on other vehicles in folds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydrdl import paper
from pydrdl.reproduce.setting import (
    FOLDS,
    LRN,
    PAPER_FORM,
    STARTS,
    STRUCTURES,
    Start,
    TrainedNet,
)
from pydrdl.reproduce.trainings import Nets, TrainingSteps


@dataclass(frozen=True)
class Change:
    """What may help on vehicles that were not trained on, within the paper's method."""

    name: str = ""  # for files
    options: tuple[str, ...] = ()  # of the nets, as make_nets.py takes them
    side: int | None = None  # of the LMDB's images, pixels, where not the setting's
    longer: int = 1  # times that a training lasts as long
    drawn: bool = False  # the net has learned drawn vehicles before


# Changes of one branch with coupled clusters loss and batch normalisation, by the words
# of tables.
CHANGES: Mapping[str, Change] = {
    "64 of 72 pixels, mirrored": Change(),
    "not mirrored": Change("unmirrored", ("--no-mirror",)),
    "56 of 72 pixels": Change("crop_56", ("--crop", "56")),
    "48 of 54 pixels": Change("side_54", ("--crop", "48"), side=54),
    "96 of 108 pixels": Change("side_108", ("--crop", "96"), side=108),
    "dropout of a half": Change("dropout", ("--dropout", "0.5")),
    "twice the iterations": Change("longer", longer=2),
    "drawn vehicles first": Change(drawn=True),
    # The two that helped on the folds to choose by, by two points at rank 1 and more.
    "drawn vehicles first, twice the iterations": Change(
        "longer", longer=2, drawn=True
    ),
}


class PhotographSteps(TrainingSteps):
    """Collects the steps of photographs by two cameras; a method a table.

    Camera 2's photographs of vehicles that were not trained on are the probes, camera
    1's the gallery. The seed of a training is the number of its fold.
    """

    def photographs(self) -> dict[str, Path]:
        """The three methods from every start, by fold."""
        return self._by_fold("photographs", self._methods)

    def generalisation(self) -> dict[str, Path]:
        """One change at a time of coupled clusters loss with one branch, by fold.

        The first folds are there to choose by, the others to tell what was chosen.
        """
        return self._by_fold("generalisation", self._changes)

    def _by_fold(self, name: str, nets: Callable[[int], Nets]) -> dict[str, Path]:
        return {
            f"fold {fold}": self._evaluate(
                "eval_cmc.py", f"{name}_fold{fold}", nets(fold), "all",
                data=self.setting.fold(fold, "test"), options=("--gallery-camera", "1"),
            )
            for fold in range(1, FOLDS + 1)
        }  # fmt: skip

    def _methods(self, fold: int) -> Nets:
        """The three methods from every start; then what saw no photograph."""
        s, nets = self.setting, list[tuple[str, TrainedNet]]()
        unseen = list[tuple[str, TrainedNet]]()
        for row, structure in STRUCTURES.items():
            drawn = TrainedNet(s.vehicleid, structure, 1, start=s.pretrained)
            fine_tuned = Start("vehicles", PAPER_FORM, source=drawn)
            for start in (Start(""), LRN, s.pretrained, fine_tuned):
                net = TrainedNet(s.fold(fold), structure, fold, start=start)
                nets.append((f"{row}, {STARTS[start.name]}", net))
            unseen.append((f"{row}, drawn vehicles alone", drawn))
        normed = TrainedNet(s.vehicleid, STRUCTURES[paper.VGG_CCL], 1)
        title = f"{paper.VGG_CCL}, drawn vehicles alone, batch normalisation"
        unseen.append((title, normed))
        for start in (Start(""), LRN):
            net = TrainedNet(s.fold(fold), "ccl", fold, start=start, trained=False)
            unseen.append((f"VGG, untrained, {STARTS[start.name]}", net))
        return nets + unseen

    def _changes(self, fold: int) -> Nets:
        """One branch with coupled clusters loss, as it is and changed."""
        structure, nets = STRUCTURES[paper.VGG_CCL], list[tuple[str, TrainedNet]]()
        for title, change in CHANGES.items():
            data = self.setting.fold(fold)
            if change.side is not None:
                prefix = f"{data.prefix}{change.name}_"
                data = replace(data, side=change.side, prefix=prefix)
            data = replace(data, iterations=change.longer * data.iterations)
            start = Start("")
            if change.drawn:
                source = TrainedNet(self.setting.vehicleid, structure, 1)
                start = Start("drawn", source=source)
            net = TrainedNet(data, structure, fold, change.name, change.options, start)
            nets.append((title, net))
        return nets
