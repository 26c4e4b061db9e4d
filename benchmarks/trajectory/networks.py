"""Small networks of different architectures, and the data they are trained on: bytes of Python, handwritten digits."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from examples.training.decoder import Decoder, DecoderConfig
from examples.training.digits import Digits
from examples.training.optimisation import initialise
from examples.training.text import help_texts, sources, windows
from examples.training.vision import VisionTower

Loss = Callable[[], Tensor]
CLASSES = 10
BYTES = 256


@dataclass(frozen=True, slots=True)
class Task:
    """A network with the loss that it is trained on; each call draws a batch."""

    network: nn.Module
    loss: Loss


def decoder(seed: int, *, biases: bool = False, experts: bool = False, prose: bool = False) -> Task:
    """A llama-named decoder, with attention biases like qwen2, or a mixture of experts like glm4_moe."""
    config = DecoderConfig(layers=2, units=192, attention_bias=biases, dense_layers=1 if experts else None)
    network = Decoder(config)
    initialise(network, seed)
    text, generator = help_texts() if prose else sources(), torch.Generator().manual_seed(seed)
    return Task(network, lambda: network.loss(windows(text, 6, 65, generator)))


class Tower(nn.Module):
    """A vision tower with a linear classifier over its mean."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = VisionTower()
        self.classifier = nn.Linear(128, CLASSES)

    def forward(self, clips: Tensor) -> Tensor:
        """Logits [batch, CLASSES]."""
        result: Tensor = self.classifier(self.visual(clips).mean(1))
        return result


def tower(seed: int) -> Task:
    """Qwen2.5-VL's vision tower on digits."""
    network = Tower()
    initialise(network, seed)
    return _seeing(network, seed)


class Convolutions(nn.Module):
    """Three convolutions with batch normalisation, as torch initialises them."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 96)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in itertools.pairwise(widths)
        )
        self.classifier = nn.Linear(96, CLASSES)

    def forward(self, clips: Tensor) -> Tensor:
        """Logits [batch, CLASSES] of the first frames."""
        hidden = clips[:, :, 0]
        for layer in self.layers:
            hidden = layer(hidden)
        result: Tensor = self.classifier(hidden.mean((-1, -2)))
        return result


def convolutions(seed: int) -> Task:
    """A convolutional network on digits."""
    torch.manual_seed(seed)
    return _seeing(Convolutions(), seed)


def perceptron(seed: int, draw: str = "xavier") -> Task:
    """A perceptron with three hidden layers on digits, initialised by Glorot's or He's rule, or orthogonally."""
    torch.manual_seed(seed)
    width = 3 * 16 * 16
    sizes = (width, 192, 192, 192, CLASSES)
    linears = [nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    rules: dict[str, Callable[[Tensor], Tensor]] = {
        "xavier": nn.init.xavier_uniform_,
        "kaiming": nn.init.kaiming_normal_,
        "orthogonal": nn.init.orthogonal_,
    }
    for linear in linears:
        rules[draw](linear.weight)
        nn.init.zeros_(linear.bias)
    layers: list[nn.Module] = [nn.Flatten()]
    for linear in linears[:-1]:
        layers += [linear, nn.GELU()]
    network = nn.Sequential(*layers, linears[-1])
    return _seeing(network, seed, lambda clips: clips[:, :, 0])


class Recurrent(nn.Module):
    """A byte-level LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(BYTES, 96)
        self.lstm = nn.LSTM(96, 128, num_layers=2, batch_first=True)
        self.head = nn.Linear(128, BYTES)

    def forward(self, text: Tensor) -> Tensor:
        """Logits [batch, n, BYTES] of the next byte."""
        result: Tensor = self.head(self.lstm(self.embedding(text))[0])
        return result


def recurrent(seed: int) -> Task:
    """An LSTM on bytes, as torch initialises it."""
    torch.manual_seed(seed)
    network, text, generator = Recurrent(), sources(), torch.Generator().manual_seed(seed)

    def loss() -> Tensor:
        batch = windows(text, 12, 49, generator)
        return functional.cross_entropy(network(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())

    return Task(network, loss)


class PreNorm(nn.Module):
    """A decoder of torch's own transformer layers: LayerNorm with biases, dropout, learned positions, a tied head."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(BYTES, 96)
        self.positions = nn.Parameter(torch.randn(64, 96) * 0.02)
        layer = nn.TransformerEncoderLayer(96, 4, 256, dropout=0.1, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        nn.init.normal_(self.tokens.weight, 0.0, 0.02)
        for each in self.layers.modules():
            if isinstance(each, nn.Linear):
                nn.init.normal_(each.weight, 0.0, 0.02)
                nn.init.zeros_(each.bias)

    def forward(self, text: Tensor) -> Tensor:
        """Logits [batch, n, BYTES]."""
        hidden = self.tokens(text) + self.positions[: text.shape[1]]
        mask = nn.Transformer.generate_square_subsequent_mask(text.shape[1])
        result: Tensor = self.layers(hidden, mask=mask, is_causal=True) @ self.tokens.weight.T
        return result


def pre_norm(seed: int) -> Task:
    """A GPT-2-like decoder on bytes."""
    torch.manual_seed(seed)
    network, text, generator = PreNorm(), sources(), torch.Generator().manual_seed(seed)

    def loss() -> Tensor:
        batch = windows(text, 8, 65, generator)
        return functional.cross_entropy(network(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())

    return Task(network, loss)


def _seeing(network: nn.Module, seed: int, view: Callable[[Tensor], Tensor] = lambda clips: clips) -> Task:
    digits = Digits(mirrored=False, seed=seed)

    def loss() -> Tensor:
        clips, classes = digits.batch(32)
        return functional.cross_entropy(network(view(clips)), classes)

    return Task(network, loss)
