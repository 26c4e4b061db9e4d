"""The methods that the audit is held against, with the levels they speak at."""

from __future__ import annotations

from benchmarks.lineage.methods.embeddings import AWM_NULL_MEAN, AWM_NULL_SD, awm, huref
from benchmarks.lineage.methods.independence import csu, robust_match
from benchmarks.lineage.methods.method import Method
from benchmarks.lineage.methods.simple import config_match, norm_cosine, raw_cosine, std_profile

ZHU = "Zhu et al. 2025, Independence Tests for Language Models"

PEERS = (
    Method("raw cosine", "in wide use", raw_cosine, 0.9, "none published; taken from disputes"),
    Method("norm cosine", "Solar-Open dispute, 2026", norm_cosine, 0.94, "least of the published 0.949-0.989"),
    Method(
        "std profile",
        "Yoon et al. 2025, Intrinsic Fingerprint of LLMs",
        std_profile,
        0.9,
        "0.927 was published as proof",
    ),
    Method("config match", "provenance tools", config_match, 1.0, "equal in all facts"),
    Method("CSU", f"{ZHU}, section 2", csu, 6.0, "p of 1e-6, as ours"),
    Method("MATCH", f"{ZHU}, section 3", robust_match, 6.0, "p of 1e-6, as in the authors' code"),
    Method(
        "AWM",
        "Zeng et al. 2026, AWM",
        awm,
        AWM_NULL_MEAN + 5 * AWM_NULL_SD,
        "5 sd above the authors' independent pairs, of 4096-wide models",
    ),
    Method("HuRef", "Zeng et al. 2024, HuRef", huref, 0.5, "none published; between the paper's two groups"),
)
