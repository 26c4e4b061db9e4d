"""What the benchmark of real models audits: copies of one model by many ways, and strangers to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import Cost

ROOT = Path(__file__).parents[2]
REAL = ROOT / "build" / "real"
SMOLLM2, QWEN = "smollm2-135m-instruct", "qwen2.5-coder-0.5b-instruct"
CHECKPOINTS = {name: REAL / name for name in (SMOLLM2, QWEN)}
"""Where ``python -m tools.real_models --all`` puts the models that have to be converted."""
NOISES = (0.01, 0.1, 0.5, 1.0, 3.0)
"""Standard deviations of noise, relative to each tensor's own; r = 1, 0.995, 0.89, 0.71, 0.32 with the original."""

SECOND_WAVE = (
    "units doubled",
    "units four times",
    "layers put between",
    "layers uneven",
    "units of zeros",
    "gains drawn anew",
    "gains less one",
    "quiet noise",
)
"""What answers a search for disguised copies, each behind everything of a disguise (``manipulations.second_wave``)."""
NEW_TOKENS = ", new tokens"

DRIFTS, WIDTHS = (0.4, 0.45, 0.5, 0.55), (576, 768, 960)
"""Cosines of every weight with what it was, embeddings included, around the bound that controls print; and the widths
of the copies, of which the original's is the first."""


@dataclass(frozen=True, slots=True)
class Case:
    """One audit.

    Attributes:
        name: What was done, or whose weights they are.
        is_copy: Whether the subject comes from the reference.
        reference: A folder, or a name of the shipped library.
        subject: A folder that is there already; None for one that ``benchmarks.real.subjects`` makes.
        drift: The cosine of a copy's weights with what they were, where that is what is asked.
    """

    name: str
    is_copy: bool
    reference: str
    subject: Path | None = None
    drift: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an audit said of one case, and what it cost."""

    case: Case
    component: dict[str, Any]
    """The largest component's evidence, as the report has it."""
    statistics: list[dict[str, Any]]
    """Of every tensor that was compared in its place: pair, role and z."""
    cost: Cost


def cases() -> list[Case]:
    """All audits whose models are at hand."""
    here = str(CHECKPOINTS[SMOLLM2])
    made = [
        "unchanged",
        *(f"noise of {share:g}" for share in NOISES),
        "as 16-bit float",
        "quantised to 8 bits",
        "fine-tuned",
        "units permuted",
        "channels permuted, signs flipped",
        "rotated",
        "rotated, units permuted and rescaled",
        "heads permuted, values mixed",
        "every third layer cut",
        *SECOND_WAVE,
        *(f"{name}{NEW_TOKENS}" for name in SECOND_WAVE),
    ]
    found = [Case(name, is_copy=True, reference=here) for name in made]
    found += [Case(name, is_copy=True, reference=SMOLLM2) for name in ("noise of 0.1", "fine-tuned", "rotated")]
    found += [Case(drifted(r, width), is_copy=True, reference=here, drift=r) for width in WIDTHS for r in DRIFTS]
    strangers = [Case(f"crop {number} of Qwen2.5-Coder", is_copy=False, reference=here) for number in (1, 2, 3)]
    strangers += [
        Case("crop 1 of Qwen2.5-Coder", is_copy=False, reference=SMOLLM2),
        Case("Qwen2.5-Coder itself", is_copy=False, reference=here, subject=CHECKPOINTS[QWEN]),
        Case("SmolLM2 itself", is_copy=False, reference=QWEN, subject=CHECKPOINTS[SMOLLM2]),
    ]
    small = {"small model of the examples": "seeds_case/base", "small mixture of experts": "solar_case/glm4_moe"}
    strangers += [
        Case(name, is_copy=False, reference=reference, subject=ROOT / "examples" / folder)
        for name, folder in small.items()
        for reference in (here, QWEN)
    ]
    return [case for case in (*found, *strangers) if _is_there(case)]


def drifted(r: float, width: int) -> str:
    """What a whole copy is called that drifted so far and is so wide, behind everything of a disguise."""
    return f"drifted to {r:g}, {width} wide"


def _is_there(case: Case) -> bool:
    needed = [path for path in (case.subject,) if path is not None]
    needed += [CHECKPOINTS[QWEN]] if case.subject is None and not case.is_copy else []
    needed += [CHECKPOINTS[SMOLLM2]]
    return all(path.is_dir() for path in needed)
