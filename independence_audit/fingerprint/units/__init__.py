"""Units of a model's layers as anchors see them: what finds a copy whose units were permuted, rescaled or turned."""
