"""Best matches of a few units among many, and the choice of one partner for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Match:
    """For every one of k units its nearest among m: [k] each."""

    place: NDArray[np.int64]
    cosine: NDArray[np.floating]

    def one_to_one(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs (i, j) with at most one i for each j, the closest; the closest pair first.

        A unit that many find nearest would otherwise bring one random sign in many times.
        """
        by_closeness = np.argsort(-self.cosine, kind="stable")
        _, first = np.unique(self.place[by_closeness], return_index=True)
        chosen = by_closeness[np.sort(first)]
        return chosen, self.place[chosen]


def match(cosines: NDArray[np.floating]) -> Match:
    """Nearest by a matrix of cosines [k, m]."""
    place = cosines.argmax(axis=1)
    return Match(place, np.asarray(np.take_along_axis(cosines, place[:, None], axis=1)[:, 0]))
