"""Images to train vision towers on: scikit-learn's handwritten digits, coloured, noisy and moving over two frames."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional

SIDE = 16
FRAMES = 2
TRAINING = 1500
"""The first so many of the 1797 images are for training, the others for testing."""

ANSWERS = tuple(b"zowhfvxsgn")
"""The byte with which a decoder names each class: a letter of zero, one, two, ... nine.

The digits themselves would be harder: a decoder of source code hardly tells them apart.
"""


class Digits:
    """Clips of handwritten digits, and a generator that dresses them anew each time they are drawn."""

    def __init__(self, *, mirrored: bool, seed: int) -> None:
        data = load_digits()
        images = torch.tensor(data.images, dtype=torch.float32)[:, None] / 16
        images = functional.interpolate(images, size=(SIDE, SIDE), mode="bilinear")[:, 0]
        self._images = images.flip(-1) if mirrored else images
        self._labels = torch.tensor(data.target)
        self._generator = torch.Generator().manual_seed(seed)

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Random training clips [count, 3, FRAMES, SIDE, SIDE] and their classes [count]."""
        chosen = torch.randint(TRAINING, (count,), generator=self._generator)
        return self._dressed(self._images[chosen]), self._labels[chosen]

    def test(self) -> tuple[Tensor, Tensor]:
        """All test clips and their classes."""
        return self._dressed(self._images[TRAINING:]), self._labels[TRAINING:]

    def _dressed(self, images: Tensor) -> Tensor:
        count = len(images)
        down, across = (int(x) for x in torch.randint(-1, 2, (2,), generator=self._generator))
        ink = torch.stack([images, images.roll((down, across), (1, 2))], 1)[:, None]
        paint, ground = torch.rand(2, count, 3, 1, 1, 1, generator=self._generator)
        ground = ground * 0.3
        clips = ground + ink * (0.4 + 0.6 * paint - ground)
        return clips + 0.1 * torch.randn(clips.shape, generator=self._generator)
