"""Pairs of a feature set's images, drawn where no file lists them."""

from dataclasses import dataclass
from itertools import compress
from typing import Literal

from pydrdl.errors import InputError
from pydrdl.evaluation.entry import labels
from pydrdl.features import FeatureSet
from pydrdl.protocols.pairs import Pairs, count_pairs, draw_pairs
from pydrdl.protocols.verification import FOLDS

By = Literal["vehicle", "model"]


@dataclass(frozen=True)
class Sampling:
    """How pairs are drawn where no file lists them.

    Attributes:
        count: pairs of each kind, at most.
        seed: of the draw.
        by: what is the same in a same pair.
        same_model: different pairs are of one vehicle model.
    """

    count: int = 10_000
    seed: int = 0
    by: By = "vehicle"
    same_model: bool = False

    def rule(self, count: int, left_out: int) -> str:
        """Its name in reports.

        Args:
            count: pairs of each kind that there were.
            left_out: images that have no model label.
        """
        hard = ", different ones of one model" if self.same_model else ""
        text = f"{count:,} + {count:,} random pairs by {self.by}{hard}"
        if count < self.count:
            text += f", as many as there are ({self.count:,} were asked for)"
        if left_out:
            what = "no different pair" if self.by == "vehicle" else "no pair"
            text += f", {left_out:,} images without a model label in {what}"
        return text


def sample(content: FeatureSet, sampling: Sampling, where: object) -> Pairs:
    """Draws pairs, as many as were asked for or as there are; their rule says so.

    Args:
        content: the images; those without a model label take no part where models
            decide.
        sampling: how.
        where: the features file, for messages.

    Raises:
        InputError: there are too few pairs for the folds, or no model label.
    """
    names, ids, among = content.names, content.vehicle_ids, None
    labelled = content.model_ids >= 0
    uses_models = sampling.same_model or sampling.by == "model"
    if uses_models and not labelled.any():
        labels(content, True, where)  # refuses
    if sampling.same_model:
        among = content.model_ids
    elif sampling.by == "model":
        names = tuple(compress(content.names, labelled))
        ids = content.model_ids[labelled]
    same, different = count_pairs(ids, among)
    count = min(sampling.count, same, different)
    if count < FOLDS:
        raise InputError(
            f"the set has {same:,} same and {different:,} different pairs to draw; "
            f"{FOLDS} folds need {FOLDS} of each",
            where,
            "extract the features of more images, or give a list with --pairs",
        )
    left_out = int((~labelled).sum()) if uses_models else 0
    return draw_pairs(
        names,
        ids,
        count=count,
        seed=sampling.seed,
        among=among,
        rule=sampling.rule(count, left_out),
    )
