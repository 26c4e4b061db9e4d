"""Checkpoints of one training in order: what each changed, and whether the way looks like training."""
