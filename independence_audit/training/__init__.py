"""What a model's own values and checkpoints say of its training: laws, untouched parts, trajectory, replay."""
