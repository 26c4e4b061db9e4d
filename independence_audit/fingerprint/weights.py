"""A model as an audit takes it: its fingerprint, and access to its weights where these are at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Anatomy, Part
from independence_audit.checkpoint import Checkpoint, read_vocabulary
from independence_audit.fingerprint.pools import parts_by_sample
from independence_audit.fingerprint.samples import Fingerprint, SampleKey
from independence_audit.fingerprint.units.places import Matrix, is_readable, read_rows, whole_matrix


@dataclass(frozen=True, slots=True)
class WeightsAccess:
    """The one answer to where a model's weights are, which parts stand behind a sample, and what values they hold."""

    checkpoint: Checkpoint
    anatomy: Anatomy
    _parts: dict[SampleKey, list[Part]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _vocabulary: list[Mapping[str, int]] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def on_this_machine(self) -> bool:
        """Whether every byte lies here, so that any may be read, by several processes at once."""
        return self.checkpoint.source.near

    def parts(self, key: SampleKey) -> Sequence[Part]:
        """The parts behind a sample of the model's fingerprint, experts by number."""
        if not self._parts:
            self._parts.update(parts_by_sample(self.anatomy))
        return self._parts[key]

    def whole_tensors(self) -> Mapping[str, Part]:
        """The parts that are whole tensors and can be decoded, by the tensor's name."""
        tensors = self.checkpoint.tensors
        return {
            part.tensor: part
            for part in self.anatomy.parts
            if part.view.size == tensors[part.tensor].size and is_readable(self.checkpoint, part)
        }

    def table(self, tensor: str) -> Part | None:
        """The only part of a tensor, where it can be decoded; None where there is none, or there are several."""
        parts = [part for part in self.anatomy.parts if part.tensor == tensor]
        return parts[0] if len(parts) == 1 and is_readable(self.checkpoint, parts[0]) else None

    def read(self, part: Part) -> Matrix:
        """A part's matrix, float32 [rows, columns].

        Raises:
            ReadError: Bytes could not be read.
        """
        return whole_matrix(self.checkpoint, part)

    def read_rows(self, part: Part, rows: NDArray[np.int64]) -> Matrix:
        """Some rows of a part's matrix, float32 [k, columns].

        Raises:
            ReadError: Bytes could not be read.
        """
        return read_rows(self.checkpoint, part, rows)

    def vocabulary(self) -> Mapping[str, int]:
        """Numbers of the tokens by their text, read once; empty where there is no tokenizer."""
        if not self._vocabulary:
            self._vocabulary.append(read_vocabulary(self.checkpoint))
        return self._vocabulary[0]

    def confirm(self) -> None:
        """Look once more at the files that were read.

        Raises:
            ChangedError: One is no longer the one that was opened.
        """
        self.checkpoint.source.confirm()

    def close(self) -> None:
        """Let go of open files."""
        self.checkpoint.source.close()


@dataclass(frozen=True, slots=True)
class Model:
    """A fingerprint, with the weights it was made from where they are at hand."""

    fingerprint: Fingerprint
    weights: WeightsAccess | None = None

    @property
    def name(self) -> str:
        """What the report calls it."""
        return self.fingerprint.name

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The files that were opened; None for a fingerprint."""
        return self.weights.checkpoint if self.weights else None

    @property
    def weights_here(self) -> WeightsAccess | None:
        """The weights, where they lie on this machine."""
        return self.weights if self.weights is not None and self.weights.on_this_machine else None

    def confirm(self) -> None:
        """Look once more at the files that were read.

        Raises:
            ChangedError: One is no longer the one that was opened.
        """
        if self.weights is not None:
            self.weights.confirm()

    def close(self) -> None:
        """Let go of open files."""
        if self.weights is not None:
            self.weights.close()
