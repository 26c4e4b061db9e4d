"""Anchors of a component, and the units of its layers in the anchors' own frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.anchors import FLAT, root, unit_rows, whitened
from independence_audit.statistics.scores import Floats

TOKEN, BY_NUMBER = "token:", "number:"
"""How labels of anchors begin: an embedding row by its token's text, or by its number."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """Directions in a component's residual stream that another model has as well."""

    component: str
    labels: tuple[str, ...]
    """What each is; two models meet over equal labels."""
    gram: NDArray[np.float64]
    """E Eᵀ [t, t] of their directions E [t, h]."""


@dataclass(frozen=True, slots=True)
class UnitLayer:
    """Units of one layer: all of them, or a sample."""

    component: str
    layer: int
    whole: bool
    """Whether these are all units (of the experts that were read), be it by what they read alone."""
    units: NDArray[np.int64]
    """Their numbers [k], ascending; those of experts one behind the other."""
    responses: Mapping[str, NDArray[np.int8]]
    """By role, [k, t]: R G^(-1/2), every row scaled to use eight bits; a unit's size says nothing here.

    Rounding to eight bits in the whitened frame leaves noise of 1%; before whitening it would drown weak directions.
    """
    even: NDArray[np.float32] | None = None
    """Descriptors [k, F] that need no anchors; those odd in (up, down) beside them. Without gates: those of fc1, and as
    many of fc2, none of which has a random sign."""
    odd: NDArray[np.float32] | None = None
    attention: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """What attention does to the anchors, [t, t] in their own frame: ``looks`` is Σqᵀk and ``writes`` Σov over heads.
    Kept by no fingerprint; none where heads cannot be told."""

    @property
    def signed(self) -> bool:
        """Whether what is odd in its descriptors has a sign; without gates there are as many of the second as first."""
        return self.even is not None and self.odd is not None and self.even.shape[1] != self.odd.shape[1]

    @property
    def is_search_layer(self) -> bool:
        """Whether it was read whole from every matrix, and not only by what its units read."""
        return self.whole and (not self.responses or not self.responses.keys().isdisjoint(("down", "fc2")))

    @property
    def gated(self) -> bool:
        """Whether it has gates."""
        return "gate" in self.responses


@dataclass(frozen=True, slots=True)
class ComponentUnits:
    """One component's anchors and unit layers, and why there are none."""

    component: str
    anchors: Anchors | None
    layers: tuple[UnitLayer, ...] = ()
    reason: str = ""
    """Why no unit can be looked for, as a message key."""


def in_eight_bits(rows: NDArray[np.floating]) -> NDArray[np.int8]:
    """Rows [k, t] scaled to their largest value and rounded; directions are kept, sizes are not."""
    largest = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-30)
    return np.asarray(np.rint(rows / largest * 127.0), dtype=np.int8)


def shared_labels(first: Anchors, second: Anchors) -> list[str]:
    """What both have as anchors: by text where enough is there, else by number, or whatever else they are."""
    both = [label for label in first.labels if label in set(second.labels)]
    tokens = [label for label in both if label.startswith(TOKEN)]
    numbers = [label for label in both if label.startswith(BY_NUMBER)]
    if tokens or numbers:
        return tokens if len(tokens) >= len(numbers) else numbers
    return both


class Frame:
    """Takes unit responses from a component's own anchors to those that it shares with another."""

    def __init__(self, anchors: Anchors, labels: Sequence[str]) -> None:
        place = {label: index for index, label in enumerate(anchors.labels)}
        chosen = np.array([place[label] for label in labels], dtype=np.int64)
        self.gram = anchors.gram[np.ix_(chosen, chosen)]
        """E Eᵀ of the shared anchors."""
        self._rotation: Floats = root(anchors.gram, 0.5)[:, chosen] @ root(self.gram, -0.5)
        energies = np.linalg.eigvalsh(self.gram)
        self.dimensions = int((energies > energies[-1] * FLAT).sum())
        """How many of the shared anchors' directions are independent."""

    def whitened(self, responses: NDArray[np.int8]) -> NDArray[np.float32]:
        """Whitened responses to the shared anchors, [k, shared], unit rows."""
        return np.asarray(unit_rows(responses.astype(np.float32) @ self._rotation.astype(np.float32)), dtype=np.float32)

    def turned(self, form: NDArray[np.float32]) -> NDArray[np.float32]:
        """A form [t, t] between a component's own anchors as one between the shared ones."""
        rotation = self._rotation.astype(np.float32)
        return np.asarray(rotation.T @ form @ rotation, dtype=np.float32)


def own_frame(raw: NDArray[np.floating], gram: NDArray[np.floating]) -> NDArray[np.int8]:
    """Raw responses w Eᵀ [k, t] in the anchors' own frame, in eight bits."""
    return in_eight_bits(whitened(raw, gram))
