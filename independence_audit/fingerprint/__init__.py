"""Fingerprints: what remains of a checkpoint after it has been read once. Comparing needs nothing else.

This is the floor's public face; ``library`` below it keeps fingerprints of known models.
"""

from __future__ import annotations

from independence_audit.fingerprint.build import build_fingerprint, fingerprint_of
from independence_audit.fingerprint.fingerprint_file import read_fingerprint, write_fingerprint
from independence_audit.fingerprint.making import read_model, save_fingerprint
from independence_audit.fingerprint.sampler import Sampler, sampler_of
from independence_audit.fingerprint.samples import Fingerprint, Sample, SampleKey
from independence_audit.fingerprint.weights import Model, WeightsAccess

__all__ = [
    "Fingerprint",
    "Model",
    "Sample",
    "SampleKey",
    "Sampler",
    "WeightsAccess",
    "build_fingerprint",
    "fingerprint_of",
    "read_fingerprint",
    "read_model",
    "sampler_of",
    "save_fingerprint",
    "write_fingerprint",
]
