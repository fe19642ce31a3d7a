"""Photographs that are damaged but can be decoded, as libjpeg tells it."""

from collections.abc import Sequence

from pydrdl.datasets.types import Image
from pydrdl.doctor.problem import Problem, Severity, problem


def damage_problems(cases: Sequence[str]) -> list[Problem]:
    """Problems of damaged photographs, each given as path and what is damaged."""
    return problem(
        "damaged_images",
        Severity.WARNING,
        "damaged photographs that can be decoded, some with wrong pixels",
        cases,
        "look at them; get the files again, or take them out of the list",
    )


def damage_case(image: Image, damage: str) -> str:
    """One case for damage_problems."""
    return f"{image.path} (vehicle {image.vehicle_id}): {damage}"


class DamageNotes:
    """Takes notes of damage while images are read, on any thread.

    An instance is a Note of pydrdl/datasets/images.py.
    """

    def __init__(self) -> None:
        self._cases: dict[str, str] = {}

    def __call__(self, image: Image, damage: str) -> None:
        """Notes one image's damage."""
        self._cases[image.path] = damage_case(image, damage)

    def problems(self) -> list[Problem]:
        """What was noted, by path."""
        return damage_problems([self._cases[path] for path in sorted(self._cases)])
