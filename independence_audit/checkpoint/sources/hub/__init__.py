"""The Hugging Face Hub as a byte source: verified range reads at one commit, kept on this machine."""
