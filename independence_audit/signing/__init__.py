"""Signatures: keys, DSSE envelopes, and the OpenSSF model signature beside a checkpoint."""
