"""What remains of a checkpoint after it has been read once: sampled values in their places."""
