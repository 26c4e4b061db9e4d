"""Initial laws of tensors: which one a tensor's values lie on, and what a declared initialiser would have drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from independence_audit.anatomy import Axis
from independence_audit.core.bounded import read_bounded
from independence_audit.core.toml import LARGEST, parse_toml, shipped_table
from independence_audit.errors import UsageError
from independence_audit.fingerprint import Sample
from independence_audit.statistics.laws import LAWS, Dependence, LawFit, fit_law, row_dependence, spread_excess

ENOUGH_VALUES = 4096
"""A matrix of fewer sampled values is not called untrained: its scale alone is uncertain by more than 1%."""
ENOUGH_ROWS = 8
KOLMOGOROV = 1.63
"""The 1% point of sqrt(n) D under a law (Kolmogorov 1933)."""
DISTANCE = 0.005
"""Kolmogorov's D beyond sampling error. Measured: 66 initial matrices at most 0.014 at 16,384 values, where this and
the sampling term allow 0.018; trained ones 0.002 to 0.1, so that this test alone tells little."""
DEPENDENCE = 0.05
"""Excess of the dependence ratio beyond five deviations of chance. Initial matrices of real networks: 1.00 within two
deviations; trained ones of the examples 1.4 to 60, of routing transformers 1.00 to 22."""
SPREAD = 0.06
"""Relative spread of rows' or columns' lengths beyond chance. Initial at most 0.041, trained 0 to 1.5."""
SCALE = 0.01
"""How far a scale may be from a known one, beyond three standard errors."""
LARGEST_NUMBER = 1e6
"""Beyond it lies no deviation, gain or bias that anybody draws."""
ANY = "any"
"""A declared law of this name is any of the known ones."""


@dataclass(frozen=True, slots=True)
class OnLaw:
    """A matrix whose values cannot be told from an independent draw."""

    fit: LawFit
    dependence: Dependence
    rule: str
    """Which known scale it has: ``constant``, or the rule's name; empty where it is no known one."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A scale that follows from a matrix's shape: sqrt(factor / (fan_in × in + fan_out × out))."""

    name: str
    factor: float
    fan_in: float
    fan_out: float

    def scale(self, fan_in: int, fan_out: int) -> float:
        """The standard deviation for these numbers of inputs and outputs."""
        return math.sqrt(self.factor / (self.fan_in * fan_in + self.fan_out * fan_out))


@dataclass(frozen=True, slots=True)
class Expected:
    """What a declared initialiser draws for one role: a law with a scale, or a constant for vectors."""

    law: str
    scale: float | None
    gain: float | None
    bias: float | None


@dataclass(frozen=True, slots=True)
class Initialiser:
    """A declared initialiser: a default, and what differs by role."""

    name: str
    default: Expected
    roles: Mapping[str, Expected]

    def of(self, role: str) -> Expected:
        """What is drawn for a role."""
        return self.roles.get(role, self.default)


UNDECLARED = Initialiser(ANY, Expected(ANY, None, None, None), {})
"""Nothing is declared: any known law and any constant will do."""


def is_matrix(sample: Sample) -> bool:
    """Whether a sample is of trained values in more than one row."""
    return sample.raw is not None and sample.shape[0] > 1 and sample.axis != Axis.NONE


def on_law(sample: Sample) -> OnLaw | None:
    """Whether a matrix cannot be told from an independent draw of one law and scale; None where it can.

    The scale is not looked at here: :func:`known_rule` and the other layers of the role say whether it is plausible.
    """
    values = sample.values()
    if not is_matrix(sample) or values.size < ENOUGH_VALUES or min(values.shape) < ENOUGH_ROWS:
        return None
    if not np.isfinite(values).all():
        return None
    # The cheapest questions first: nearly every trained matrix ends here.
    dependence = row_dependence(values)
    if dependence.ratio > 1.0 + DEPENDENCE + 5.0 * dependence.deviation:
        return None
    if max(spread_excess(values), spread_excess(values.T)) > SPREAD + 2.0 / math.sqrt(values.size / 8):
        return None
    fit = fit_law(values)
    if fit is None or fit.distance > DISTANCE + KOLMOGOROV / math.sqrt(fit.values):
        return None
    return OnLaw(fit, dependence, known_rule(fit, sample.shape))


def scale_error(fit: LawFit) -> float:
    """Relative distance at which two scales are still taken for one."""
    return SCALE + 3.0 / math.sqrt(2.0 * fit.values)


def known_rule(fit: LawFit, shape: tuple[int, int]) -> str:
    """The name of a known scale that a fit has; empty where it has none."""
    error = scale_error(fit)
    for name, scale in _known_scales(shape):
        if abs(fit.scale / scale - 1.0) <= error:
            return name
    return ""


def _known_scales(shape: tuple[int, int]) -> Iterator[tuple[str, float]]:
    constants, rules = _scales()
    yield from (("constant", scale) for scale in constants)
    for rule in rules:
        for fan_in, fan_out in {(shape[1], shape[0]), (shape[0], shape[1])}:
            yield rule.name, rule.scale(fan_in, fan_out)


@cache
def _scales() -> tuple[tuple[float, ...], tuple[Rule, ...]]:
    table = _table()
    constants = tuple(float(entry["scale"]) for entry in table["constant"])
    rules = tuple(Rule(**entry) for entry in table["by_shape"])
    return constants, rules


def _table() -> Mapping[str, Any]:
    return shipped_table("independence_audit.training", "initialisers.toml")


def defaults_of(model_type: str, config: Mapping[str, Any]) -> Initialiser:
    """What ``transformers`` draws for a model type; a config's ``initializer_range`` is its scale."""
    table = _table()
    stated = config.get("initializer_range")
    base = dict(table["default"]) | (
        {"scale": stated} if isinstance(stated, float) and 0.0 < stated < LARGEST_NUMBER else {}
    )
    return Initialiser(model_type, _expected(base | dict(table["model_type"].get(model_type, {}))), {})


def read_initialiser(path: Path) -> Initialiser:
    """A declared initialiser from a TOML file: ``[default]`` and ``[roles.NAME]`` with law, scale, gain, bias.

    Raises:
        UsageError: The file cannot be read, or says something that is unknown.
    """
    try:
        table = parse_toml(read_bounded(path, LARGEST))
        _refuse_unknown(set(table) - {"default", "roles"})
        default = dict(_table()["default"]) | _entry(table.get("default", {}), "[default]")
        entries = _entry(table.get("roles", {}), "[roles]")
        roles = {role: _expected(default | _entry(entry, f"[roles.{role}]")) for role, entry in entries.items()}
        return Initialiser(path.name, _expected(default), roles)
    except (OSError, ValueError) as error:  # a TOML error is a ValueError
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(
            f"The initialiser {path} cannot be used: {why}.",
            'Write TOML such as: [default]  law = "normal"  scale = 0.02  gain = 1.0  bias = 0.0',
        ) from error


def _entry(data: object, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ValueError(f"{where:.80} is {data!r:.80}, which is no table")  # noqa: TRY004  said as any wrong value
    return dict(data)


def _refuse_unknown(words: set[str]) -> None:
    if words:
        raise ValueError(f"it says {', '.join(sorted(words)):.200}, which is unknown")


def _expected(entry: Mapping[str, Any]) -> Expected:
    _refuse_unknown(set(entry) - {"law", "scale", "gain", "bias"})
    law = entry["law"]
    _refuse_unknown({f"the law {law!r}"} if law not in (*LAWS, ANY) else set())
    scale, gain, bias = (_number(entry, key) for key in ("scale", "gain", "bias"))
    if scale is not None and scale <= 0.0:
        raise ValueError(f"its scale is {scale}, but a deviation is above 0")
    return Expected(law, None if law == ANY else scale, gain, bias)


def _number(entry: Mapping[str, Any], key: str) -> float | None:
    value = entry.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST_NUMBER:
        raise ValueError(f"its {key} is {value!r:.80}, which is no such number")
    return float(value)
