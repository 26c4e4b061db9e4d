"""What an adapter's ``adapter_config.json`` says of it, as the library ``peft`` writes and reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from independence_audit.checkpoint.submission.adapters import BASE, CONFIG
from independence_audit.core.outside_names import quoted
from independence_audit.core.strict_json import JsonError, parse_object
from independence_audit.errors import MalformedError, UnsupportedError

LORA = "LORA"
RANK, ALPHA = 8, 8
"""What ``peft`` takes where the config does not say."""
LARGEST = 1 << 30
"""The largest rank and alpha that are believed; those in use have three digits."""
DEEPEST = 32
"""Parts of a module's name that the end in a pattern may have."""
CHANGE_THE_BASE = ("pissa", "olora", "corda", "loftq")
"""Ways to begin that take something away from the base's weights, so that base and adapter are not the model."""
LITERAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.")
"""Characters of a pattern that is the end of a module's name; ``peft`` would take others for a regular expression."""
WAY_OUT = "Merge it into its base (merge_and_unload of peft) and name the result."


@dataclass(frozen=True, slots=True)
class PeftSettings:
    """The settings of a LoRA adapter."""

    base: str
    """The model that it says it changes; empty where it does not say."""
    rank: int
    alpha: float
    ranks_vary: bool
    """Whether some modules have ranks of their own."""
    alphas: Mapping[str, tuple[int, float]]
    """Other values of alpha with their places, by the end of a module's name; of several that fit the first counts."""
    stable: bool
    """rsLoRA: the scaling is alpha over the root of the rank."""
    decomposed: bool
    """DoRA: every output has a magnitude of its own."""
    turned: bool
    """Whether the base's matrices are stored [in, out] (``fan_in_fan_out``)."""
    targets: tuple[str, ...]
    """The modules that it says it changes."""

    @property
    def kind(self) -> str:
        """How the field calls such an adapter."""
        return " ".join([*(["rsLoRA"] if self.stable else []), *(["DoRA"] if self.decomposed else [])]) or "LoRA"

    def scaling(self, module: str, rank: int) -> float:
        """What a module's product of factors is multiplied with: alpha / r, or alpha / sqrt(r) for rsLoRA."""
        parts = module.split(".")[-DEEPEST:]
        ends = (".".join(parts[place:]) for place in range(len(parts)))
        _, alpha = min((self.alphas[end] for end in ends if end in self.alphas), default=(0, self.alpha))
        return alpha / (sqrt(rank) if self.stable else rank)


def peft_settings(content: bytes | None) -> PeftSettings:
    """The settings in the bytes of an ``adapter_config.json``.

    Raises:
        MalformedError: There is no such file, or it says what cannot be.
        UnsupportedError: It is another kind of adapter, or one that ``peft`` merges in a way that is not known here.
    """
    if content is None:
        raise MalformedError(f"The adapter has no {CONFIG}, so nobody knows its scaling.", "Put the file beside it.")
    try:
        told = parse_object(content, infinities=True)
    except JsonError as error:
        raise MalformedError(f"{CONFIG} cannot be read: {error}.", "Get the file again.") from error
    kind, begins = told.get("peft_type", LORA), told.get("init_lora_weights")
    if kind != LORA:
        raise UnsupportedError(f"The adapter is of the type {quoted(str(kind))}, which is not merged here.", WAY_OUT)
    if isinstance(begins, str) and begins.lower().startswith(CHANGE_THE_BASE):
        raise UnsupportedError(
            f"The adapter began as {quoted(begins)}, which changes the base's weights as well.", WAY_OUT
        )
    alphas = told.get("alpha_pattern") or {}
    if not isinstance(alphas, dict):
        raise _impossible("alpha_pattern")
    if not all(set(end) <= LITERAL for end in alphas):
        raise UnsupportedError(f"alpha_pattern of {CONFIG} holds a regular expression, which is not run here.", WAY_OUT)
    rank = told.get("r", RANK)
    if type(rank) is not int or not 0 < rank <= LARGEST:
        raise _impossible("r")
    base, targets = told.get(BASE), told.get("target_modules")
    return PeftSettings(
        base=base if isinstance(base, str) else "",
        rank=rank,
        alpha=_number(told.get("lora_alpha", ALPHA), "lora_alpha"),
        ranks_vary=bool(told.get("rank_pattern")),
        alphas={end: (place, _number(other, "alpha_pattern")) for place, (end, other) in enumerate(alphas.items())},
        stable=told.get("use_rslora") is True,
        decomposed=told.get("use_dora") is True,
        turned=told.get("fan_in_fan_out") is True,
        targets=_names(targets),
    )


def _number(value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise _impossible(key)
    return float(value)


def _impossible(key: str) -> MalformedError:
    return MalformedError(f"{key} of {CONFIG} cannot be what it says.", "Get the file again.")


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(sorted(one for one in value if isinstance(one, str))) if isinstance(value, list) else ()
