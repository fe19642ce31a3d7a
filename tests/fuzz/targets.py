"""All targets."""

from fuzz import targets_of_caffe, targets_of_data, targets_of_evaluation
from fuzz.target import Target

TARGETS: tuple[Target, ...] = (
    *targets_of_evaluation.TARGETS, *targets_of_data.TARGETS, *targets_of_caffe.TARGETS,
)  # fmt: skip
