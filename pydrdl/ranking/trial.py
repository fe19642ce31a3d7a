"""Who is searched for among whom: what rank_matches is given."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Trial:
    """Who is searched for among whom.

    Attributes:
        probes: (P,) ascending rows of the probes' features.
        gallery: (G,) rows of the gallery's features.
        probe: (T,) ascending: for each pair of a probe and a gallery item of
            the same vehicle, the position in probes.
        item: (T,) its position in gallery.
        junk: (T,) the item does not exist for this probe; otherwise it is a
            match, of which every probe has one.
    """

    probes: Int
    gallery: Int
    probe: Int
    item: Int
    junk: Bool

    def check(self, probes: int, gallery: int) -> None:
        """Raises ValueError where it does not fit so many rows, or lacks a match."""
        for rows, size, what in (
            (self.probes, probes, "a probe lies outside the features"),
            (self.gallery, gallery, "a gallery item lies outside the features"),
            (self.item, self.gallery.size, "a match lies outside the gallery"),
        ):
            if rows.size and not 0 <= rows.min() <= rows.max() < size:
                raise ValueError(f"{what} of {size}")
        if (np.diff(self.probes) <= 0).any() or (np.diff(self.probe) < 0).any():
            raise ValueError("the probes do not ascend")
        matched = np.bincount(self.probe[~self.junk], minlength=self.probes.size)
        lost = np.flatnonzero(matched == 0)
        if lost.size:
            raise ValueError(
                f"{lost.size} probes have no match; the first is {lost[0]}"
            )


def same_vehicle(
    probe_ids: Int,
    gallery_ids: Int,
    probe_cameras: Int | None = None,
    gallery_cameras: Int | None = None,
) -> tuple[Int, Int, Bool]:
    """The pairs of a Trial: probe, item and junk.

    Args:
        probe_ids: (P,) vehicle of each probe.
        gallery_ids: (G,) vehicle of each gallery item.
        probe_cameras: (P,) where items of the same vehicle and camera are junk.
        gallery_cameras: (G,) as above.
    """
    order = np.argsort(gallery_ids, kind="stable")
    ordered = gallery_ids[order]
    first = np.searchsorted(ordered, probe_ids, "left")
    count = np.searchsorted(ordered, probe_ids, "right") - first
    probe = np.repeat(np.arange(len(probe_ids)), count)
    item = order[
        np.arange(probe.size) - np.repeat(np.cumsum(count) - count - first, count)
    ]
    if probe_cameras is None or gallery_cameras is None:
        return probe, item, np.zeros(probe.size, bool)
    return probe, item, probe_cameras[probe] == gallery_cameras[item]
