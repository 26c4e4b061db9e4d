"""Which layers of a decoder predict further tokens (multi-token prediction): they come behind the last layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from independence_audit.anatomy.recognise import Match, Recognised
from independence_audit.anatomy.settings import count

MTP = "mtp."
"""Stands before the roles of such layers, so that they are compared among themselves."""

SEGMENT = "mtp"
"""Last segment of the prefix of such layers where they do not stand among the others."""


def is_apart(recognised: Recognised) -> bool:
    """Whether a component is nothing but the further prediction of another one."""
    return recognised.prefix[-1:] == (SEGMENT,)


def mtp_layers(matches: Sequence[Match], config: Sequence[Mapping[str, Any]]) -> frozenset[int]:
    """The layers that predict further tokens: their names say so, or the config counts fewer layers.

    The config is believed about as many layers as it says predict further tokens, or one. Believed about more, it
    could hide layers of a copy from comparison.

    Args:
        matches: The tensors of a decoder.
        config: Sections of the config, the likeliest first.
    """
    layers = {match.layer for match in matches if match.layer is not None}
    named = {match.layer for match in matches if match.layer is not None and match.rule.entry.roles[0].startswith(MTP)}
    counted = next((number for section in config if (number := count(section, "num_hidden_layers"))), None)
    if counted is None:
        return frozenset(named)
    announced = next((number for section in config if (number := count(section, "num_nextn_predict_layers"))), 1)
    beyond = {layer for layer in layers if layer >= counted}
    return frozenset(named | beyond if len(beyond) <= min(announced, counted) else named)
