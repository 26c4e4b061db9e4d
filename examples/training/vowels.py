"""Sounds to train audio towers on: vowels made by formula (source and formants), as log-mel spectrograms."""

from __future__ import annotations

import math

import torch
from torch import Tensor

RATE = 8000
"""Samples a second."""
HOP = 64
WINDOW = 256
FRAMES = 64
MEL_BINS = 40
HARMONICS = 40
TRAINING = 2000
"""How many sounds there are to train on, if nothing else is said."""
TEST = 400

FORMANTS = {
    "i": (270, 2290, 3010),
    "I": (390, 1990, 2550),
    "E": (530, 1840, 2480),
    "{": (660, 1720, 2410),
    "A": (730, 1090, 2440),
    "O": (570, 840, 2410),
    "U": (440, 1020, 2240),
    "u": (300, 870, 2240),
    "V": (640, 1190, 2390),
    "3": (490, 1350, 1690),
}
"""Mean formants in Hz of ten American English vowels, by X-SAMPA letter (Peterson and Barney 1952, men)."""

BANDWIDTHS = (60.0, 90.0, 150.0)
"""Of the three formants, in Hz."""

ANSWERS = tuple(letter.encode()[0] for letter in FORMANTS)
"""The byte with which a decoder names each class."""


class Vowels:
    """Spectrograms of random speakers' vowels: a fixed training set to draw from and a test set."""

    def __init__(self, *, seed: int, training: int = TRAINING) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._training = training
        self._labels = torch.arange(training + TEST) % len(FORMANTS)
        self._spectrograms = _log_mel(self._spoken(self._labels))

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Random training spectrograms [count, MEL_BINS, FRAMES] and their classes [count]."""
        chosen = torch.randint(self._training, (count,), generator=self._generator)
        return self._spectrograms[chosen], self._labels[chosen]

    def test(self) -> tuple[Tensor, Tensor]:
        """All test spectrograms and their classes."""
        return self._spectrograms[self._training :], self._labels[self._training :]

    def _spoken(self, labels: Tensor) -> Tensor:
        """Waveforms [count, samples]: harmonics of a gliding pitch, shaped by resonances, over noise."""
        count = len(labels)
        time = torch.arange(HOP * (FRAMES - 1) + WINDOW) / RATE
        tract = 0.92 + 0.2 * self._uniform(count, 1)
        formants = torch.tensor(list(FORMANTS.values()))[labels] * tract
        formants = formants * (1 + 0.04 * torch.randn(formants.shape, generator=self._generator))
        pitch = 90 + 140 * self._uniform(count, 1)
        glide = 1 + 0.2 * (self._uniform(count, 1) - 0.5) * time / time[-1]
        phase = 2 * math.pi * torch.cumsum(pitch * glide, 1) / RATE
        waves = torch.zeros(count, len(time))
        for harmonic in range(1, HARMONICS + 1):
            frequency = harmonic * pitch
            gain = torch.where(frequency < RATE / 2, _resonance(frequency, formants) / harmonic, 0.0)
            waves += gain * torch.sin(harmonic * phase)
        loudness = waves.std(1, keepdim=True)
        return waves / loudness + 0.1 * torch.randn(waves.shape, generator=self._generator)

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self._generator)


def _resonance(frequency: Tensor, formants: Tensor) -> Tensor:
    """Gain of the vocal tract at frequencies [count, 1] for formants [count, 3]: [count, 1]."""
    squared = formants**2
    gains = squared / torch.sqrt((squared - frequency**2) ** 2 + (torch.tensor(BANDWIDTHS) * frequency) ** 2)
    return gains.prod(1, keepdim=True)


def _log_mel(waves: Tensor) -> Tensor:
    """Log-mel spectrograms [count, MEL_BINS, FRAMES] of waveforms, zero mean and unit variance over all."""
    frames = waves.unfold(1, WINDOW, HOP) * torch.hann_window(WINDOW)
    power = torch.fft.rfft(frames).abs() ** 2
    log_mel = torch.log(power @ _mel_filters() + 1e-4).transpose(1, 2)
    return (log_mel - log_mel.mean()) / log_mel.std()


def _mel_filters() -> Tensor:
    """Triangular filters, evenly spaced on the mel scale: [WINDOW // 2 + 1, MEL_BINS]."""
    top = 2595 * math.log10(1 + RATE / 2 / 700)
    corners = 700 * (10 ** (torch.linspace(0, top, MEL_BINS + 2) / 2595) - 1)
    frequency = torch.linspace(0, RATE / 2, WINDOW // 2 + 1)[:, None]
    rising = (frequency - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequency) / (corners[2:] - corners[1:-1])
    return torch.minimum(rising, falling).clamp(min=0)
