"""Files with the same bytes."""

from collections.abc import Sequence, Set

from pydrdl.datasets.types import Image
from pydrdl.doctor.problem import Problem, Severity, problem


def copy_problems(groups: Sequence[Sequence[Image]], probes: Set[str]) -> list[Problem]:
    """Problems of files with the same bytes."""
    across, within, in_gallery = [], [], []
    for group in groups:
        shown = " = ".join(f"{i.path} (vehicle {i.vehicle_id})" for i in group[:3])
        shown += f" and {len(group) - 3} more" if len(group) > 3 else ""
        queried = [image.path for image in group if image.path in probes]
        if len({image.vehicle_id for image in group}) > 1:
            across.append(shown)
        elif len(group) == 2 and len(queried) == 1:
            in_gallery.append(shown)
        else:
            within.append(shown)
    return [
        *problem(
            "copies_across_vehicles",
            Severity.ERROR,
            "photographs that are there for several vehicles, byte for byte",
            across,
            "find out which vehicle it is, and remove the other files",
        ),
        *problem(
            "copies_within_vehicle",
            Severity.WARNING,
            "photographs that a vehicle has several times, byte for byte",
            within,
            "remove the copies: as gallery and probe they match by themselves",
        ),
        *problem(
            "probes_in_gallery",
            Severity.INFO,
            "probes that lie in the gallery too",
            in_gallery,
            "nothing, where the protocol leaves out images of the probe's own camera",
        ),
    ]
