"""Pure statistics: scores, permutation tests, corrections, bounds; knows nothing of models."""
